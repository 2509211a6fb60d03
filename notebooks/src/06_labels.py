# %% [markdown]
# # Labels
#
# Somebody listens, and presses a key. That is most of what a data set costs. In this lesson you price a correct label: how many people for one clip, whom to believe, when to call an expert, which clips to ask about, and what a wrong label does to a spotter. Then you label yourself.

# %%
import numpy as np
import polars as pl

import kit
from kit import experiments, labeling
from kit.bench import recorded_table
from kit.experiments import asking, judges, noise, prelabels, redundancy, routing, runs, takes
from kit.labeling import assisted, plan
from kit.views import labels as views

kit.lesson("06")

# %% [markdown]
# ## The largest bill
#
# The chapter has a rule of thumb: labels cost {{stated(29)['low']}} to {{stated(29)['high']}} times the computing that trains on them. Try it on a spotter. A label is {{value('kws_label')}} dollars. An hour of a processor core is {{value('core_hour')}} dollars, and your machine says how long a training takes.

# %%
kit.predict("bill", "10 000 labels: how many trainings on one core does that money buy?", "")

# %%
people, notice = experiments.people()
task = runs.Task(people.few(300), {}, {"passes": 3000, "seed": 6})
seconds = runs.outcomes([task])[0]["seconds"]
print(notice or f"One training takes {seconds:.1f} s.")

# %%
usd, core = (kit.assumptions.value(name) for name in ("kws_label", "core_hour"))
times = plan.labels_over_training(10_000, usd, seconds / 3600, core)
kit.compare("bill", times, unit="", model=1000, model_name="rule of thumb")

# %% [markdown]
# The rule was made for large networks. For a small one, computing is nearly free, and labels are all that is left to save.
#
# ## Raters that are made of something
#
# We need people who err as people do, and we need to know the truth. So our raters are made of spotters. Three of them learnt from {{judges.CLIPS[0]}}, {{judges.CLIPS[1]}} and {{judges.CLIPS[2]}} recordings, and then judged every clip of two speakers they had never heard. Their mistakes are real. A rater draws from the mistakes of one of them. What is made is the rest: pay, time, fatigue, and bad will.

# %%
judged = judges.judged(people)
each = judged.group_by("judge", maintain_order=True).agg(right_percent=100 * pl.col("right").mean())
kit.show(each, "Three judges of the same clips")

# %% [markdown]
# ## Agreement beyond chance
#
# Two raters are right with chances `p` and `q`. If their errors have nothing to do with each other, and fall evenly on the `K - 1` wrong words, they agree in
#
# `p q + (1 - p)(1 - q) / (K - 1)`
#
# of all cases.

# %%
kit.predict("agree", "The two better judges, ten words: how often do they say the same?", "%")

# %%
pairs = redundancy.apart(judged)
best = pairs.row(-1, named=True)
name = "errors apart"
kit.compare("agree", best["agreement_percent"], unit="%", model=best["apart_percent"], model_name=name)

# %%
kit.after("agree", kit.show(pairs, "Every pair of judges"))

# %% [markdown]
# They agree far more often than that, because they fail on the same clips: the last two columns count clips that both get wrong, and how many there would be. A clip that is hard for one is hard for the other. Keep this in mind, for every price list below assumes that errors come apart.
#
# **Cohen's kappa** takes off what two raters agree on by chance: `(agreement - chance) / (1 - chance)`. It has a trap.

# %%
kit.predict("paradox", "Two raters agree in 90 % of cases; a rare label has 5 % of all. Their kappa?", "")

# %%
kappa = float(labeling.kappa_at(0.05, 0.90))
kit.compare("paradox", kappa, unit="")

# %%
kit.after("paradox", kit.explore("kappa-paradox"))

# %% [markdown]
# Where one label is rare, chance alone nearly always agrees, and there is little left to earn. Gwet's AC1 counts chance another way, and stays up. Neither is wrong. Say which one you quote, and how rare the rare label is.
#
# ## Three people for one clip
#
# Ask three, and take the word that comes most often. If all are right with chance `p`, and errors come apart, the share of right labels is a sum over the ways the votes can fall (Condorcet, {{assume(1785, 'year of his essay')|.0f}}).

# %%
kit.predict("three", "Raters right in two cases of three, ten words, three of them: right in", "%")

# %%
asked = redundancy.redundancy(judged)
three = asked.filter(pl.col("pool") == "all listen", pl.col("raters") == 3)
by_vote = three.filter(pl.col("method") == "majority")["accuracy_percent"][0]
p = each["right_percent"].mean() / 100
model = 100 * plan.majority_accuracy(p, 3, classes=10)
kit.compare("three", by_vote, unit="%", model=model, model_name="errors apart and even")

# %% [markdown]
# What is that in dollars? Two numbers are easy to mix up. The average price of a correct label is lowest for one rater, nearly always. The price of one *more* correct label is what a second look costs you.

# %%
kit.explore("correct-label")

# %% [markdown]
# ## Whom to believe
#
# A majority believes everybody alike. **Dawid and Skene** ({{assume(1979, 'year of their paper')|.0f}}) do not. They ask two questions in turn: given the labels, who errs how? Given who errs how, what are the labels? Nobody needs to know the truth.
#
# Now a fifth of the crowd presses any key, as fast as they can. Seven people look at each clip.

# %%
kit.predict("spam", "A fifth spam, seven look: how many points does Dawid-Skene gain?", "points")

# %%
seven = asked.filter(pl.col("pool") == "a fifth spam", pl.col("raters") == 7)
got = dict(seven.select("method", "accuracy_percent").iter_rows())
kit.compare("spam", got["dawid-skene"] - got["majority"], unit="points")

# %%
kit.after("spam", views.redundancy(asked))

# %% [markdown]
# With one rater a clip nobody can be checked, and all methods are the same. With three there is little to learn from. From five on, Dawid and Skene get from the same ratings what a majority does not get from nine. They know more than who is bad: who takes which word for which, and that an adversary's word can be turned around.

# %%
crowd = redundancy.crowd(judged, spammers=0.2, adversaries=0.1)
truth = np.random.default_rng(0).choice(crowd[0].words, 2000)
given = plan.rate(truth, crowd, 7, seed=1).select("item", "rater", "label")
seen = labeling.aggregate(given)
kit.after("spam", views.raters(seen.raters))

# %%
kit.explain("spam", "You may dismiss one of them. Whom, and what would you ask first?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# An adversary first: whoever is wrong on purpose costs money and turns votes. But look at the confusions before. Somebody with two keys swapped looks like an adversary, and is as good as the best once the keys are put right. A spammer costs money and little else here, for Dawid and Skene give their votes no weight; a majority does.
#
# </details>

# %% [markdown]
# ## Gold questions
#
# The other way is to know some answers. Experts label a few clips, which are hidden among the others. Whoever has fewer than `least` of `golds` of them right is out. If a rater is right with chance `p`, that is a binomial tail.

# %%
kit.predict("gold", "10 golds, 7 right ones needed: how many of the best judges' kind are out?", "%")

# %%
rng = np.random.default_rng(0)
right = judged.filter(pl.col("judge") == f"{judges.CLIPS[-1]} clips")["right"].to_numpy()
drawn = 100 * np.mean(rng.choice(right, (20_000, 10)).sum(1) < 7)
kit.compare("gold", drawn, unit="%", model=100 * plan.thrown_out(right.mean(), 10, 7))

# %%
golds = [5, 10, 20, 40]
out = {f"right in {p:.0%}, out %": 100 * plan.thrown_out(p, golds, np.ceil(0.65 * np.array(golds)))
       for p in (0.84, 0.76, 0.45, 0.10)}  # fmt: skip
kit.after("gold", kit.show(pl.DataFrame({"golds": golds} | out), "Two of three golds needed"))

# %% [markdown]
# With ten words a spammer hardly ever guesses enough, so few golds do. To tell a good rater from a fair one takes many more, and each gold is paid twice: an expert's price once, and the crowd's for every rater who answers it. What a rater said before they fell is paid and void.
#
# ## Model, crowd, experts
#
# An expert is right in nearly all cases, for {{value('expert_label_high')}} dollars a label, and a look of the crowd costs {{value('crowd_label_high')}}. So experts should see only what the others cannot settle. And a model is cheaper still: let its label stand where it is sure, and send the rest on.

# %%
kit.explore("routing", judged=judged)

# %% [markdown]
# Which plan is the cheapest that gets {{100*routing.WANTED|.0f}} % right? `plan.best_plan` prices all combinations of raters, votes, experts, gold questions and thresholds in closed form. {{routing.ITEMS}} clips.

# %%
best = routing.best_of(judged)
print(f"{best.looked_at} plans. The cheapest: {routing.told(best.plan)}, USD {best.priced.usd:.0f}")

# %%
kit.predict("promise", "That plan promises 95 %. Carried out, how many are right?", "%")

# %%
steps = routing.promise(judged)
share = steps["accuracy_percent"].to_list()
kit.compare("promise", share[3], unit="%", model=share[0], model_name="closed form")

# %%
causes = ["chance, and counts that are whole", "people and words differ",
          "what is hard is hard for all"]  # fmt: skip
gap = {cause: a - b for cause, a, b in zip(causes, share[:3], share[1:4], strict=True)}
kit.diagnose("promise", gap, "points")

# %% [markdown]
# The formula is right for what it assumes: with people who are all alike, and errors that fall evenly, the plan gives what it promised. Real people are not alike, and words are confused in pairs, so wrong votes find company. And the clips that the model leaves over are hard for everybody.
#
# There are two remedies. Read the ratings with Dawid and Skene. And rehearse: carry the plan out on clips whose truth you know, several times, and take the cheapest plan that keeps its word every time.

# %%
kit.predict("save", "95 % right, after rehearsals: how much of the experts' bill is saved?", "%")

# %%
plans = routing.routing(judged)
kept = plans.filter(pl.col("chosen") == "rehearsal", pl.col("found_percent") >= 95)
kit.compare("save", kept["saved_percent"].max() if kept.height else 0.0, unit="%")

# %%
told = ["way", "chosen", "plan", "accuracy_percent", "found_percent", "found_usd", "saved_percent"]
kit.after("save", kit.show(plans.select(told), "Promised, and found on other clips"))

# %% [markdown]
# Most of the bill is saved, with or without a model. And the formula's favourite is no favourite any more. A model takes the easy clips, and from them Dawid and Skene would learn whom to trust. What it leaves over is hard for the crowd, and dear. Whether it pays depends on how good it is: compare its two rows with those of the crowd.

# %%
kit.explain("save", "The plan that promises to save most does not keep its word. Why is that no accident?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# Whoever takes the cheapest of many thousand plans takes the one whose formula errs most in its favour. So the winner is not just cheap; it is the plan that relies most on what is assumed. A choice among many needs a test on something that the choice has not seen.
#
# </details>

# %% [markdown]
# ## Ask about the right clips
#
# **Active learning** asks for the labels that the model would learn most from: those it is least sure of. The chapter expects to need five to ten times fewer labels. Here a small learner starts with a few labels and asks for more. It is tested on two speakers that nobody labelled.

# %%
kit.predict("ask", "New speakers, 60 % right: how many times fewer labels than at random?", "times")

# %%
curves = asking.curves(people)
kit.after("ask", views.curves(asking.mean_curves(curves)))

# %%
long = recorded_table("labels", "multiplier")
margin = long.filter(pl.col("strategy") == "margin")
row = margin.row(by_predicate=(pl.col("task") == "new speakers") & (pl.col("accuracy") == 0.6),
                 named=True)  # fmt: skip
kit.compare("ask", row["multiplier"], unit="times", model=5, model_name="chapter, at least")

# %%
kit.after("ask", kit.show(margin.drop("strategy"), "Labels at random, over labels chosen"))

# %% [markdown]
# That is from the long record, with its intervals; the curves above are from your machine. For people it has never heard, every interval holds one: nobody can say that choosing saves anything. The clips that the model is unsure of are odd clips of the speakers it knows, and what it lacks is other speakers. For clips of the same speakers choosing does save, the more so the better the model already is, and never five times. A test on the same speakers would have promised what no user gets.

# %%
kit.after("ask", kit.explore("active-learning"))

# %%
kit.explain("ask", "You can record ten new clips a day. How do you choose them?")

# %% [markdown]
# ## Wrong labels
#
# No plan gets all labels right. What do the wrong ones cost? Change some of the training labels to other words, train, and test on people with labels that are right.

# %%
kit.predict("noise", "40 % of the training labels are wrong: how many points are lost?", "points")

# %%
trained = noise.noisy(people, judged)
most = trained.filter(pl.col("clips") == pl.col("clips").max())
alike = most.filter(pl.col("mistake") == noise.MISTAKES[0])
lost = alike["accuracy_percent"][0] - alike["accuracy_percent"][-1]
kit.compare("noise", lost, unit="points", model=40, model_name="as many as are wrong")

# %%
kit.after("noise", views.noisy(trained))

# %% [markdown]
# A short training tells little more than the direction, and a whisker here is two speakers. The long record has all six, and more clips. There, few wrong labels cost less than their share, for errors that point everywhere cancel out. Errors of a spotter do not: they all point to the same wrong word.

# %%
record = recorded_table("labels", "noisy")
kit.after("noise", views.noisy(record))

# %% [markdown]
# So should the next dollar mend labels, or buy new ones? The long record answers. There are {{assume(250, 'labels, an example')}} labels, a fifth of them wrong, and {{assume(50, 'dollars, an example')}} dollars; a look at a label costs as much as a new one, and finds four of five errors.

# %%
curve = noise.learning_curve(record)
split = plan.fix_or_buy(curve, 250, 0.2, 50, item_usd=0.1, review_usd=0.1, found=0.8)
best = split.row(by_predicate=pl.col("best"), named=True)
print(f"{100 * best['fix_share']:.0f} % for mending: {100 * best['accuracy']:.1f} % right")
kit.show(split.gather_every(5), "The budget, split")

# %% [markdown]
# Errors can be found by machine as well. **Confident learning** asks models that never saw a clip, and lists the clips where they are sure of another word. Here a tenth of the labels was changed, so the list can be marked.

# %%
some = people.few(900, seed=1)
spoilt = noise.mistaken(some, 0.1, seed=1)
wrong = spoilt.labels != some.labels
features = asking.embedded(some.clips)

# %%
def marked(groups):
    """Precision and recall of the list, in %."""
    found = assisted.find_wrong(spoilt.labels, *assisted.out_of_fold(features, spoilt.labels, groups))
    listed = np.zeros(len(wrong), bool)
    listed[found.items.filter("wrong")["item"].to_numpy()] = True
    hit = (listed & wrong).sum()
    return 100 * hit / listed.sum(), 100 * hit / wrong.sum()

# %%
splits = {"random folds": None, "a speaker a fold": spoilt.speakers}
rows = [(name, *marked(groups)) for name, groups in splits.items()]
kit.show(pl.DataFrame(rows, ["models", "right of the listed, %", "found of the wrong, %"],
                      orient="row"), "Confident learning")  # fmt: skip

# %% [markdown]
# A model that never heard the speaker takes its own errors for wrong labels. To find wrong labels, it may know the speaker; to promise accuracy, it may not. These are different questions, and they need different splits.
#
# ## No labels at all
#
# **Weak supervision** writes rules instead of labels. A hiss at the end may be a six, two peaks of loudness a seven, and whatever sounds most like one of {{prelabels.EXAMPLES}} recorded examples is that word. Each rule votes or stays silent. A model of the votes guesses how good each rule is, from who agrees with whom.

# %%
kit.predict("rules", "All rules together: on how many of the clips they vote on are they right?", "%")

# %%
rules = prelabels.rules(people)
whole = rules.row(by_predicate=pl.col("rule") == "all rules together", named=True)
kit.compare("rules", whole["right_percent"], unit="%", model=whole["believed_percent"],
            model_name="what the model of the votes believes")  # fmt: skip

# %%
kit.after("rules", kit.show(rules, "Rules, with what is believed of them"))

# %% [markdown]
# It believes too much, for rules that look at the same thing err together. What are such labels worth to a spotter?

# %%
kit.after("rules", views.weak(prelabels.prelabelled(people)))

# %% [markdown]
# Rules are better than next to nothing, and worse than {{100*value('label_seconds')/60|.0f}} minutes of listening, which is what a hundred labels take. Mixed into good labels they spoil them: see the two rows with some by hand. A wrong label that looks alike every time is worse than a random one.
#
# ## You are the rater
#
# Twenty clips. Each key is the word it names; space plays again, `s` passes. Nothing leaves this machine.

# %%
kit.predict("own", "Your kappa against the truth, before you begin?", "")

# %%
pool = people.by(sorted(set(people.speakers.tolist()))[-2:])
rows = takes.few(pool.labels, pool.speakers, 20, seed=6)
mine = kit.label(pool.clips[rows], sorted(set(people.labels.tolist())))
mine

# %% [markdown]
# Run the next cells again when you are done.

# %%
best = judged.filter(pl.col("judge") == f"{judges.CLIPS[-1]} clips")
others = {"truth": pool.labels[rows].tolist(), "model": best["said"].gather(rows).to_list()}
print(mine.summary)

# %%
kappas = {who: labeling.cohen_kappa(mine.beside(**{who: said})) for who, said in others.items()
          if len(mine.item) >= 10}  # fmt: skip
for who, found in kappas.items():
    print(f"you and the {who}: kappa {found.value:.2f} ({found.low:.2f} to {found.high:.2f})")
kit.compare("own", kappas["truth"].value, model=1, model_name="no error") if kappas else None

# %% [markdown]
# The interval is wide, for twenty clips are few. And your seconds a clip, with a wage, are your price. Is it near the {{value('label_seconds')|.0f}} s of the chapter?
#
# ## What is a label?
#
# A class is one number. A box is five, a mask millions. For sound there are the clip, the segment with its two edges, and the frame. What is stored, and what is paid:

# %%
kit.show(plan.label_kinds(), "Kinds of labels")

# %% [markdown]
# ## What the chapter says

# %%
kit.show_claims("06")

# %% [markdown]
# ## Before the lab
#
# A price without an accuracy is no price, and an accuracy from a formula is no accuracy. Rehearse on what you know, read ratings with their raters in mind, and test on people who are not in the data. In lab 06 you write kappa and a step of Dawid and Skene, find the bad raters of a crowd, and plan the labels of ten thousand clips with a budget and a deadline.

# %% [markdown]
# ## Checkpoint
#
# Five questions, drawn from a pool. Four right answers pass.

# %%
kit.checkpoint("06")

# %%
kit.report()

# %% [markdown]
# Now do [lab 06](../labs/release/lab06_labels/lab06_labels.ipynb).
