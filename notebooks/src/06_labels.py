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
# The chapter has a rule of thumb: labels cost {{stated(29)['low']}} to {{stated(29)['high']}} times the computing that trains on them. Try it on a spotter. A label is {{value('kws_label')}} dollars with its overhead. An hour of a processor core is {{value('core_hour')}} dollars, and your machine says how long a training takes.

# %%
kit.predict("bill", "300 labels: how many trainings on them does the same money buy?", "")

# %%
people, notice = experiments.people()
task = runs.Task(people.few(300), {}, {"passes": 3000, "seed": 6})
seconds = runs.outcomes([task])[0]["seconds"]
print(notice or f"One training takes {seconds:.1f} s.")

# %%
usd, core = (kit.assumptions.value(name) for name in ("kws_label", "core_hour"))
times = plan.labels_over_training(300, usd, seconds / 3600, core)
kit.compare("bill", times, unit="", model=1000, model_name="rule of thumb")

# %% [markdown]
# The rule was made for large networks. For a small one, computing is nearly free, and labels are all that is left to save.
#
# ## Raters that are made of something
#
# We need raters who err, and we need to know the truth. So our raters are made of spotters. Three of them learnt from {{judges.CLIPS[0]}}, {{judges.CLIPS[1]}} and {{judges.CLIPS[2]}} recordings, the smaller sets being parts of the larger ones, and then judged every clip of two speakers they had never heard. Their mistakes are real. But machines err far more often than people do on clean digits, and the weakest has hardly met some of the words. So trust the directions, not the prices. What is made is the rest: pay, time, and bad will.

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
# They agree far more often than that, because they fail on the same clips, and take the same wrong word there. The last two columns count clips that both get wrong, and how many there would be. A clip that is hard for one is hard for the other. Keep this in mind, for every price list below assumes that errors come apart.
#
# **Cohen's kappa** takes off what two raters agree on by chance: `(agreement - chance) / (1 - chance)`. It has a trap.

# %%
kit.predict("paradox", "Both say the rare label for 10 % of the items, and they agree on 90 %. Kappa?", "")

# %%
rare, even = (float(labeling.kappa_at(share, 0.90)) for share in (0.10, 0.50))
kit.compare("paradox", rare, unit="", model=even, model_name="with two labels as frequent")

# %%
kit.after("paradox", kit.explore("kappa-paradox"))

# %% [markdown]
# Agreement is the same, and kappa is nearly halved. Where one label is rare, chance alone nearly always agrees, and there is little left to earn. Gwet's AC1 counts chance another way, and stays up. Neither is wrong. Say which one you quote, and how rare the rare label is.
#
# ## Three people for one clip
#
# Ask three, and take the word that comes most often. If all are right with chance `p`, and errors come apart, the share of right labels is a sum over the ways the votes can fall (Condorcet, {{assume(1785, 'year of his essay')|.0f}}).

# %%
kit.predict("three", "Three raters, each right in two cases of three, ten words. The vote is right in", "%")

# %%
asked = redundancy.redundancy(judged)
three = asked.filter(pl.col("pool") == "all listen", pl.col("raters") == 3)
by_vote = three.filter(pl.col("method") == "majority")["accuracy_percent"][0]
p = each["right_percent"].mean() / 100
model = 100 * plan.majority_accuracy(p, 3, classes=10)
kit.compare("three", by_vote, unit="%", model=model, model_name="errors apart and even")

# %% [markdown]
# Here errors do come apart, for each rater draws alone. The formula is too high all the same: these raters are not equally good, and they mistake certain words for certain others, so wrong votes find company. Condorcet's own theorem is for two answers, where that cannot happen.
#
# What is that in dollars? Two numbers are easy to mix up. The average price of a correct label is lowest for one rater, nearly always. The price of one *more* correct label is what a further look costs you. The figure also has a test with gold questions, of which more below.

# %%
kit.explore("correct-label")

# %% [markdown]
# ## Whom to believe
#
# A majority believes everybody alike. **Dawid and Skene** ({{assume(1979, 'year of their paper')|.0f}}) do not. They ask two questions in turn: given the labels, who errs how? Given who errs how, what are the labels? Nobody needs to know the truth.
#
# Now a fifth of the crowd does not listen: half of them press any key, the others always the same. Seven people look at each clip.

# %%
kit.predict("spam", "A fifth spam, seven look: how many points does Dawid-Skene gain?", "points")

# %%
seven = asked.filter(pl.col("pool") == "a fifth spam", pl.col("raters") == 7)
got = dict(seven.select("method", "accuracy_percent").iter_rows())
kit.compare("spam", got["dawid-skene"] - got["majority"], unit="points")

# %%
kit.after("spam", views.redundancy(asked))

# %% [markdown]
# *Weighted* gives each person a weight by how often the others agree with them. With one rater a clip nobody can be checked, and all methods are the same. Three looks bring much of the gain where people spam. With five, Dawid and Skene get what a majority does not get from nine. They know more than who is bad: who takes which word for which, and that an adversary's word can be turned around. Another crowd moves these curves by some points; the whiskers are for this one.
#
# Now a warning. Our raters draw their errors one by one, from a table of their own. That is exactly what Dawid and Skene assume, so the figure shows them at their best. Here are the three judges themselves, who fail on the same clips:

# %%
votes = judged.select(item="clip", rater="judge", label="said")
true = judged.filter(pl.col("judge") == judged["judge"][-1]).sort("clip")["word"]
read = {method: labeling.aggregate(votes, method).items.sort("item")["label"]
        for method in ("majority", "dawid-skene")}  # fmt: skip
shares = {method: f"{100 * (label == true).mean():.1f} %" for method, label in read.items()}
kit.after("spam", kit.show(pl.DataFrame({"best judge alone": f"{each['right_percent'].max():.1f} %"} | shares)))

# %% [markdown]
# On real answers to the same clips the gain is gone, and the best judge alone beats both. No vote repairs a clip that everybody mishears. So ask people who hear differently, and keep some clips whose truth you know.

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
kit.predict("gold", "Ten golds, all of one word, seven needed: how often is the best judge out?", "%")

# %%
best = judged.filter(pl.col("judge") == judged["judge"][-1])
rng, right = np.random.default_rng(0), best.group_by("word").agg("right").sort("word")["right"]
out = [100 * np.mean(rng.choice(word.to_numpy(), (5000, 10)).sum(1) < 7) for word in right]
model = 100 * plan.thrown_out(best["right"].mean(), 10, 7)
kit.compare("gold", np.mean(out), unit="%", model=model, model_name="golds as hard as all clips")

# %%
golds = np.array([5, 10, 20, 40])
people_right = [*(each["right_percent"] / 100), 0.1]
columns = {f"right in {p:.0%}, out %": 100 * plan.thrown_out(p, golds, np.ceil(0.8 * golds))
           for p in people_right}  # fmt: skip
kit.after("gold", kit.show(pl.DataFrame({"golds": golds} | columns), "Four of five golds needed"))

# %% [markdown]
# Golds that are alike test one word, and a good rater falls over it: mix them as the real clips are mixed. With ten words a spammer hardly ever guesses enough, so few golds do. To tell a good rater from a fair one takes many more. Each gold is paid twice: an expert once, and every rater who answers it. What a dismissed rater labelled is paid for and thrown away.
#
# ## Model, crowd, experts
#
# An expert is right in nearly all cases, for {{value('expert_label_high')}} dollars a label, and a look of the crowd costs {{value('crowd_label_high')}}, the chapter's upper prices, without overhead. So experts should see only what the others cannot settle. And a model is cheaper still: let its label stand where it is sure, and send the rest on.

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
# There are two remedies. Read the ratings with Dawid and Skene. And rehearse: carry a plan out on clips whose truth you know, {{routing.REHEARSALS}} times with other people and clips drawn anew, and take the cheapest plan that keeps its word every time.

# %%
kit.predict("save", "95 % right, after rehearsals: how much of the experts' bill is saved?", "%")

# %%
plans = routing.routing(judged)
kept = plans.filter(pl.col("chosen") == "rehearsal", pl.col("found_percent") >= 95)
kit.compare("save", kept["saved_percent"].max() if kept.height else 0.0, unit="%")

# %%
told = ["way", "chosen", "read", "plan", "promised_percent", "found_percent", "found_usd"]
kit.after("save", kit.show(plans.select(told), "Promised, and found on other clips"))

# %% [markdown]
# Both plans of the formula miss their promise by far when a majority reads them. Dawid and Skene bring back most of it, and a rehearsal finds a plan that keeps its word on clips and people it has not seen. A model helps here only as far as it is better than the crowd; what it leaves over is hard, and dear.
#
# How much is saved says more about prices than about plans. Five looks of the crowd instead of one expert save {{100-100*5*value('crowd_label_high')/value('expert_label_high')|.0f}} %; at the chapter's lower price for experts it is {{100-100*5*value('crowd_label_high')/value('expert_label_low')|.0f}} %. And the rehearsal needs the truth of {{assume(500, 'clips, half of those that were judged')}} clips, {{500*value('expert_label_high')|.0f}} dollars of experts. Experts are right in more cases than the rest, too. Say all three when you quote a saving.

# %%
kit.explain("save", "Why do the formula's plans fall short, and why in the same direction?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# The formula errs the same way for all plans: it lets wrong votes scatter, and they meet. So every plan promises too much. Taking the cheapest of many thousand adds to it, for that picks the plan with the least to spare. A choice among many needs a test on something that the choice has not seen.
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
# That is from the long record, with its intervals; the curves above are from your machine. For people it has never heard, the intervals run from a half to more than three: this experiment cannot tell no saving from a large one, and it has two such speakers. The learner soon stops getting better there, whatever it is asked about; what it lacks may be other speakers. For speakers it knows, choosing saves a fifth to a half of the labels, the more so the better the learner already is. Nothing here speaks for five times.

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
print(f"{lost:.0f} points here, with {most['clips'][0]} clips and two speakers")

# %%
kit.after("noise", views.noisy(trained))

# %% [markdown]
# Two speakers tell little. The long record has all six, and more clips.

# %%
record = recorded_table("labels", "noisy")
worst = record.filter(pl.col("clips") == pl.col("clips").max(), pl.col("mistake") == noise.MISTAKES[0])
lost = worst["accuracy_percent"][0] - worst["accuracy_percent"][-1]
kit.compare("noise", lost, unit="points", model=40, model_name="as many as are wrong")

# %%
kit.after("noise", views.noisy(record))

# %% [markdown]
# With enough clips, wrong labels cost less than their share, for errors that point everywhere cancel out. Errors of a spotter mostly point to one word. They seem to cost about twice as much; six speakers leave that uncertain.
#
# So should the next dollar mend labels, or buy new ones? The long record answers. There are {{assume(250, 'labels, an example')}} labels, a fifth of them wrong, and {{assume(50, 'dollars, an example')}} dollars; a look at a label costs as much as a new one, and finds four of five errors.

# %%
curve = noise.learning_curve(record)
split = plan.fix_or_buy(curve, 250, 0.2, 50, item_usd=0.1, review_usd=0.1, found=0.8)
best = split.row(by_predicate=pl.col("best"), named=True)
print(f"{100 * best['fix_share']:.0f} % for mending: {100 * best['accuracy']:.1f} % right")
kit.show(split.gather_every(5), "The budget, split")

# %% [markdown]
# It leans to mending until every label was looked at. But the rows differ by two points, and the curve is uncertain by seven: the record does not decide. To decide it, measure your own curve.
#
# Errors can be found by machine as well. **Confident learning** asks models that never saw a clip, and lists the clips where they are sure of another word. Here a tenth of the labels was changed, so the list can be marked.

# %%
some = people.few(900, seed=1)
spoilt = noise.mistaken(some, 0.1, seed=1)
wrong = spoilt.labels != some.labels
features = asking.embedded(some.clips)

# %%
def marked(groups):
    """Precision and recall of the list, in %."""
    p = assisted.out_of_fold(features, spoilt.labels, groups, folds=6)
    found = assisted.find_wrong(spoilt.labels, *p)
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
# A model that never heard the speaker takes its own errors for wrong labels, and its list holds a third of all clips. To find wrong labels, it may know the speaker; to promise accuracy, it may not. These are different questions, and they need different splits. The errors here are random ones, the easiest to find.
#
# ## One look, or many?
#
# Now the whole chain: dollars buy labels, labels train a spotter, and the spotter meets people. Fifteen dollars buy one look at each of {{assume(300, 'clips, the budget of the short experiments')}} clips, or nine looks at a ninth of them.

# %%
kit.predict("looks", "For the same money, how many looks a clip train the best spotter?", "looks")

# %%
kit.after("looks", kit.show(noise.looks(people, judged), "The same money, here"))

# %%
bought = recorded_table("labels", "looks")
best = bought.row(int(bought["accuracy_percent"].arg_max()), named=True)
kit.compare("looks", best["looks"], unit="looks")

# %%
kit.after("looks", kit.show(bought, "The same money, in the long record: six speakers"))

# %% [markdown]
# Here a ninth of the clips, looked at nine times, train as good a spotter as all of them looked at once; the intervals overlap, so nobody can say that it is a better one. Three looks bring neither: a third of the clips, and too few ratings to know the people by. A clip that has to be recorded first costs as well, which speaks for few clips that are labelled well. Clips that lie there anyway speak for one good look each.
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
# It believes the loudest rule. The template votes on most clips, nothing checks it there, and rules that contradict it are called bad, rightly or not. All together are right less often than the template alone; they only cover more clips. What are such labels worth to a spotter?

# %%
kit.after("rules", views.weak(prelabels.prelabelled(people)))

# %% [markdown]
# Rules are better than next to nothing, and worse than {{100*value('label_seconds')/60|.0f}} minutes of listening, which is what a hundred labels take. Mixed in as they come, they drown the good ones: most of that training are guesses. Where the labels by hand come as often as the guesses, it is still worse than those labels alone.
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
    print(f"you and the {who}: kappa {found.value:.2f} ({found.low:.2f} to {found.high:.2f}) {found.note}")
kit.compare("own", kappas["truth"].value, model=1, model_name="no error") if kappas else None

# %% [markdown]
# Twenty clips are few. Whoever has all of them right may still miss one in {{20/3|.0f}}, by the rule of three. And your seconds a clip, with a wage, are your price. Is it near the {{value('label_seconds')|.0f}} s of the chapter?
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
# A price without an accuracy is no price, and an accuracy from a formula is a promise. Rehearse on what you know, read ratings with their raters in mind, keep gold to notice when that goes wrong, and test on people who are not in the data. Two things no statistic here can see: a guideline that is wrong, on which all agree, and a clip on which the truth itself is unclear. More than two raters have kappas as well: `labeling.agreement` gives those of Fleiss, Krippendorff and Gwet. In lab 06 you write kappa and a step of Dawid and Skene, find the bad raters of a crowd, and plan the labels of ten thousand clips with a budget and a deadline.

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
