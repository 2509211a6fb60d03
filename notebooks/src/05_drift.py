# %% [markdown]
# # Drift
#
# A model does not wear out. The world moves away from it, and nobody tells. In this lesson you move the world yourself: you change the microphone, the room, the words, their meaning, and the people who label. Then you ask of every monitor the three questions that matter: does it see the change, how late, and how often does it cry wolf? And you measure what no monitor of the inputs shows: how much accuracy is lost.

# %%
import numpy as np
import polars as pl
from scipy.stats import kstwobign

import kit
from kit import drift, experiments
from kit.bench import recorded_table
from kit.drift.inject_sound import covariate
from kit.experiments import degradation, events, scoreboard, served
from kit.views import drift as views

kit.lesson("05")

# %% [markdown]
# ## The equation
#
# The chapter writes the decay of a model as
#
# `accuracy(t) = accuracy(0) - lambda * D(today, launch)`
#
# `D` is a distance between the data of today and those of the launch. It can be computed every hour, without a label. `lambda` is what a step of that distance costs. It would be convenient if it were one number.
#
# First, something that can drift: a spotter in service. It was trained on some people, and two others use it. A third comes later.

# %%
people, notice = experiments.people()
found = served.served(people)
print(notice or f"in service for {' and '.join(found.users)}; {found.newcomer} comes later")

# %%
launch = events.stream(found, events=1000, seed=1)
kit.show(launch.drop("event", "second", "drifted").head(3), "The first events")

# %% [markdown]
# Each event is a clip that was really recorded, looked at by six measures and judged by the spotter. The raters, the times and the order are made. Each rater errs in {{100*events.RATER_ERROR}} % of the events, on their own and whatever the clip sounds like, and no event depends on the one before. In real streams it does, and then every rate of false alarms in this lesson is too low.
#
# ## Has anything changed?
#
# Take one measure, then and now. Each window has a **distribution function**: the share of values up to `x`. The **Kolmogorov-Smirnov distance** `D` is the largest gap of the two. It is never zero, for windows differ by chance. So the question is how large it gets if nothing has changed:
#
# `share of windows above d: about 2 exp(-2 d^2 / (1/n + 1/m))`
#
# One in twenty lies above `1.36 sqrt(1/n + 1/m)`.
#
# The chapter gives {{stated(15)['critical']}} for {{stated(15)['rows']}} rows, which is `1.36 / sqrt(n)`. Try that: draw two windows from the same clips, again and again. A shake of a hertz keeps values from coming twice, which the formula does not allow for.

# %%
kit.predict("wolf", "1000 rows then, 1000 now, nothing changed: how often is D above 0.043?", "%")

# %%
values = found.of(served.NONE)["centroid_hz"].drop_nulls().to_numpy()


def two(rng, rows=1000):
    """Two windows from the same clips."""
    return rng.choice(values, (2, rows)) + rng.normal(size=(2, rows))


# %%
def chapter(then, now):
    return drift.ks(then, now).value > 0.043


wolf = drift.false_alarm_rate(chapter, two, windows=1500)
model = 100 * kstwobign.sf(0.043 * np.sqrt(1000 / 2))
kit.compare("wolf", 100 * wolf.rate, unit="%", model=model, model_name="Kolmogorov")

# %% [markdown]
# The closed form is for very many rows. With these, `D` comes in steps of a thousandth, and the exact share is a little lower. The chapter's shorter formula is for one sample against a distribution that is known to the last digit. Training data are a sample themselves, and their chance counts as well. A test promises a rate of false alarms; this one breaks its promise. With the right threshold, it keeps it.

# %%
limit = drift.threshold("ks", 1000, 1000, rate=0.05)
right = drift.false_alarm_rate(lambda a, b: drift.ks(a, b).value > limit, two, windows=1500)
print(f"threshold {limit:.4f}: {100 * right.rate:.1f} % ({100 * right.low:.1f} to {100 * right.high:.1f})")

# %% [markdown]
# ## Bins
#
# The **population stability index** counts rows in bins, which are quantiles of the launch, with shares `p` then and `q` now:
#
# `PSI = sum (q - p) ln(q / p)`
#
# Teams use fixed bands: {{stated(35)['warn']}} is a warning, {{stated(35)['critical']}} is critical. Now take a small window.

# %%
kit.predict("psi", "Ten bins, 100 rows then and 100 now, nothing changed: the mean PSI?", "")

# %%
rng = np.random.default_rng(0)
small = [drift.psi(*two(rng, 100), bins=10).value for _ in range(400)]
kit.compare("psi", np.mean(small), model=(10 - 1) * (1 / 100 + 1 / 100), model_name="(B-1)(1/n+1/m)")

# %%
bands = [0.1, 0.2, 0.25]
passed = [100 * np.mean(np.array(small) > band) for band in bands]
kit.after("psi", kit.show(pl.DataFrame({"band": bands, "windows above, %": passed}), "No change"))

# %% [markdown]
# In each bin `(q - p)^2 / p` is about `1/n + 1/m` by chance, a little less because shares add up to one. Over `B` bins that makes `(B - 1)(1/n + 1/m)`.
#
# Most of these windows are above the warning, and nothing has happened. A band of PSI says how large a change is. It does not say whether there is one. `kit.drift.psi` gives both: the value, and the value less what chance adds.

# %% [markdown]
# ## Many columns
#
# A table has many columns, and each of them gets its own chance to cry wolf.

# %%
kit.predict("family", "40 columns tested at 5 %, nothing changed: windows with an alarm?", "%")

# %%
def compared(rng, shift=0.0, rows=1000):
    """40 columns of two windows, tested one by one; the first ten are shifted."""
    then, now = rng.normal(size=(2, rows, 40))
    now[:, :10] += shift
    return drift.compare(then, now, statistics=("ks",))


quiet_days = [compared(rng) for _ in range(60)]
any_alarm = [drift.alarms(day, 0.05, "none")["alarm"].any() for day in quiet_days]
model = 100 * drift.family_rate(0.05, 40)
kit.compare("family", 100 * np.mean(any_alarm), unit="%", model=model)

# %% [markdown]
# An alarm that rings on seven days of eight is switched off on the third. Three ways out: leave it, bound the chance of any false alarm in the window (Holm), or bound the share of false ones among the alarms (Benjamini and Hochberg). What do they cost? Now ten of the forty columns move, by a little more than a tenth of a standard deviation.

# %%
kit.predict("holm", "Of ten columns that moved, how many does Holm find?", "columns")

# %%
days = [compared(rng, shift=0.13) for _ in range(40)]
rows = []
for method in ("none", "bh", "holm"):
    alarm = np.array([drift.alarms(day, 0.05, method)["alarm"] for day in days])
    rows.append((method, alarm[:, :10].sum(1).mean(), alarm[:, 10:].sum(1).mean()))
table = pl.DataFrame(rows, ["correction", "found of 10", "false alarms of 30"], orient="row")
kit.compare("holm", rows[2][1], unit="columns")

# %%
kit.after(["holm", "family"], kit.show(table, "A window with ten moved columns"), kit.explore("alarms"))

# %% [markdown]
# Holm suits an alarm that wakes somebody, Benjamini and Hochberg a report that somebody reads.
#
# ## Sure is not large
#
# The other end hurts as well. With enough rows, every difference is certain, and most are too small to matter.

# %%
kit.explore("size-and-sense")

# %% [markdown]
# So an alarm needs two limits: one for chance, which comes from the number of rows, and one for size, which comes from what a change costs. The first can be turned around: to find a gap of a tenth in four windows of five, `drift.sample_size("ks", 0.1)` asks for

# %%
print(drift.sample_size("ks", 0.1), "rows in each window")

# %% [markdown]
# And the second, what does a change cost?
#
#
# ## Four kinds of drift
#
# | kind | what changes | made here by |
# |---|---|---|
# | covariate | what comes in: `P(x)` | microphone, room, noise, level, narrow band, another voice |
# | label | how often each answer is right: `P(y)` | one word comes far more often |
# | concept | what is right: `P(y given x)` | people say one word and mean another |
# | label quality | how well people say what is right | raters who tire |
#
# The first can be heard.

# %%
clip = people.by(found.users[0]).clips[:1]
kit.sound(clip[0], caption="at the launch")

# %%
kit.sound(covariate(clip, "narrow band", 2)[0], caption="nothing above 2 kHz")

# %%
kit.sound(covariate(clip, "microphone", 100)[0], caption="the device is in a pocket")

# %% [markdown]
# Now the two sides of the equation, for three of them. In the first, everything becomes {{assume(12, 'dB, a size that the lesson injects')}} dB softer, as after an update of a driver. The distributions of the level then hardly overlap. In the second, the upper half of the band is lost. In the third, nothing that comes in changes at all: whoever says the word that is heard best now means another by it.

# %%
kit.predict("level", "12 dB softer: how many points of accuracy are lost?", "points")

# %%
kit.predict("band", "Nothing above 2 kHz: how many points are lost?", "points")

# %%
kit.predict("meaning", "One word of ten now means another: how many points are lost?", "points")

# %%
kit.predict("seen", "How many of the four kinds of drift can the inputs alone show?", "kinds")

# %%
kit.compare("level", degradation.lost_points(found, "level", -12)[0], unit="points")

# %%
kit.compare("band", degradation.lost_points(found, "narrow band", 2)[0], unit="points")

# %%
quiet = found.of(served.NONE)
word = events.words_of(found)[1]
recall = quiet.filter(pl.col("word") == word)["right"].mean()
lost = degradation.lost_points(found, "meaning", 100)[0]
model = 100 * recall * (quiet["word"] == word).mean()
kit.compare("meaning", lost, unit="points", model=model, model_name="P(word) x recall")

# %% [markdown]
# Here is every drift at every size: to the right, how far the inputs have moved; upwards, what it costs.

# %%
curves = degradation.curves(found)
locked = ["level", "band", "meaning", "seen"]
kit.after(locked, views.curves(curves))

# %%
per_step = pl.when(pl.col("p_inputs") < 0.01).then(pl.col("lost_points") / pl.col("ks"))
every = curves.filter(pl.col("size") != 0).with_columns(points_per_D=per_step.round(1))
told = ["drift", "size", "unit", "column", "ks", "lost_points", "points_per_D"]
kit.after(locked, kit.show(every.select(told).sort("points_per_D"), "One equation, and its lambdas"))

# %% [markdown]
# For this distance there is no one `lambda`. At the right edge lie drifts that cost nothing and drifts that cost more than two thirds of all right answers. And where only the meaning of a word changes, no input moves, so that no distance of the inputs has a `lambda` at all. The first rows have none in the table: their inputs have not moved beyond chance.
#
# The whiskers are about clips of two people and one training of one spotter. Other people may differ by more, and of thirty cases one looks like a gain by chance: mind that before you explain why a little noise helps.
#
# So a distance says that something has changed. What that costs, labels say. Move the line of the monitor, and see what falls on which side.

# %%
kit.after(locked, kit.explore("degradation", table=curves))

# %%
kit.explain("band", "A band of 4 kHz cannot be seen here at all. Why, and when would it be?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# These people were recorded at {{assume(8, 'kHz of the Free Spoken Digit Dataset, by its registry entry')}} kHz, so nothing lies above half of that, and a source that cuts there takes nothing away. With recordings of the full band the same change would be one of the largest. Whether a drift can be seen, and whether it hurts, depends on what the data were before.
#
# </details>

# %% [markdown]
# Could confidence do without labels? It is the spotter's own guess of how often it is right. Here is how far its mean has fallen, beside what is lost.

# %%
sure = found.rows.group_by("drift", "size", maintain_order=True).agg(
    pl.col("confidence").mean(), pl.col("right").mean()
)
fell = [100 * (sure[name][0] - sure[name]) for name in ("confidence", "right")]
sure = sure.select("drift", "size", confidence_fell=fell[0].round(1), points_lost=fell[1].round(1))
kit.after(locked, kit.show(sure.sort("points_lost"), "Points of confidence, points of accuracy"))

# %%
kit.explain("level", "Where does confidence foretell the loss, and where does it mislead?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# In noise and in a room it falls with the accuracy, for the sounds get less like any word. In a narrow band it hardly falls while most words are lost, for what remains sounds like another word, clearly spoken. Softer clips even make it surer. And when a word changes its meaning it cannot know. Confidence is a monitor like the others: it sees what it was not built for only by luck.
#
# </details>

# %% [markdown]
# ## Who can see it?
#
# Five monitors look at the same window: the inputs, the words that the spotter says, how sure it is, its errors against the label of a rater, and the agreement of two raters. Agreement means little by itself: two raters who both say "not spam" in {{assume(90, 'example of the chapter')}} % of the cases agree in {{90*90/100+10*10/100|.0f}} % without listening. **Cohen's kappa** takes that off: `(agreement - chance) / (1 - chance)`.

# %%
largest = curves.group_by("drift_kind").agg(pl.col("p_inputs").min())
seen = largest.filter(pl.col("drift_kind") != served.NONE, pl.col("p_inputs") < 0.01).height
kit.compare("seen", seen, unit="kinds")

# %%
kit.after("seen", views.visibility(curves))

# %%
kit.explain("seen", "Why can no monitor of the inputs ever see that raters tire?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# A monitor of the inputs is a function of the inputs. When raters tire, the sounds are the same as before, so every function of them has the same distribution as before. No sample is large enough and no statistic clever enough. The same holds for a word that changes its meaning. A mix of labels does move the inputs, for words differ, but by less than it moves the predictions.
#
# </details>

# %%
kit.predict("seems", "Raters tire, up to 40 % wrong: how many points does the spotter seem to lose?", "points")

# %%
tired = curves.row(by_predicate=(pl.col("drift") == "fatigue") & (pl.col("size") == 40), named=True)
kit.compare("seems", tired["seems_points"], unit="points", model=0, model_name="what it loses")

# %% [markdown]
# Errors rise when the raters tire, though the spotter is as good as ever. Only the raters' agreement tells the two apart, and only while the two do not err together.

# %% [markdown]
# ## Which detector?
#
# Now streams: half without a change, then one of the drifts. All detectors watch the same streams. The drift sets in at an event that no detector can guess. Ours state a rate of false alarms for a window and all its columns: {{100*scoreboard.WANTED}} %. The chapter's K-S uses `1.36 / sqrt(n)` for each column, fixed bands of PSI state nothing, and ADWIN and Page-Hinkley (from river) look at every event.

# %%
kit.predict("chapter", "Six inputs: of 100 quiet windows, how many does the chapter's K-S flag?", "")

# %%
kit.predict("delay", "A change of the room: after how many events does ADWIN see it?", "events")

# %%
hits, wolves = scoreboard.scoreboard(found, streams=5, quiet=25)
rate = wolves.filter(pl.col("detector") == "K-S, chapter")["per_100_windows"][0]
reach = drift.threshold("ks-one", 250) / np.sqrt(1 / 250 + 1 / 1000)
model = 100 * drift.family_rate(kstwobign.sf(reach), 6)
kit.compare("chapter", rate, model=model, model_name="if columns were independent, without ties")

# %%
room = hits.filter(pl.col("detector") == "ADWIN of inputs", pl.col("drift") == "room")
kit.compare("delay", room["delay_events"][0], unit="events")

# %%
kit.after(["chapter", "delay"], views.scoreboard(hits, wolves), kit.show(wolves, "False alarms"))

# %% [markdown]
# Read the column "none" first. Whoever finds a drift there is guessing, and a detector that guesses often finds everything. The long record has more streams.

# %%
long = [recorded_table("monitoring", kind) for kind in ("hit", "wolf")]
kit.after(["chapter", "delay"], views.scoreboard(*long))

# %% [markdown]
# No detector wins. ADWIN sees a sudden change of the inputs within a few dozen events, because it does not wait for a window to fill; it looks at every thirty-second event, and cannot be quicker than that. Its setting is for each look and for values from zero to one, so it promises nothing for a window, and only counting tells: it hardly ever cries wolf. In the few labels that there are it sees next to nothing. The windows of labels are slow, and they see a word change its meaning. The agreement of raters sees one drift, which nobody else understands.
#
# A band of PSI at {{assume(0.2, 'band of the chapter')}} happens to be a good test here: with {{scoreboard.WINDOW}} rows and ten bins, chance hardly reaches it. With a hundred rows it does so all the time, as you saw above.
#
# Calibrated K-S stays below its promise. Bandwidth takes a dozen values, and where values repeat, Kolmogorov's formula is an upper bound. Errors and agreement are counts, which cannot hit a rate exactly. To buy that back, permute whole rows instead (`kit.drift.permutation_threshold`): that knows ties, and how columns depend on each other. And a detector without an alarm in four hundred windows may still give {{100*3/400}} in a hundred, by the rule of three.

# %%
kit.explain("delay", "Run three detectors, and pay for 24 events an hour that two people label. Which?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# ADWIN on the inputs, errors against the label, and the agreement of the raters. The first sees the sound and a large change of the mix, the second what words mean, the third the raters. They miss a mix that changes a little, which the predicted words show before the inputs do, and any loss that is smaller than the interval of the labels that I pay for.
#
# </details>

# %% [markdown]
# ## Watch one
#
# Choose a drift and how it comes, and let the events run.

# %%
kit.explore("stream", pool=found)

# %% [markdown]
# A seasonal drift comes and goes, and a launch that was recorded in summer calls every winter a drift. A gradual one is never sudden enough for a window to look odd beside its neighbour. That is why windows are compared with the launch, and why several lengths run side by side.
#
# ## A monitor that keeps its books
#
# In service, events come late, twice, without a time, or not at all. `kit.drift.Monitor` takes them as they come. It is told how many false alarms a month may be bought, and works out what that leaves for each test.

# %%
watch = drift.Monitor(
    launch.drop("event", "drifted", "word"), id=None, arrived="arrived", predictions="said",
    label="label", raters=("label", "second"), columns=list(served.INPUTS),
    windows=("1h", "1d"), false_alarms=1.0, per="30d",
)  # fmt: skip
watch.budget

# %%
today = events.stream(found, "room", 0.6, events=4000, shape="gradual", seed=2)
for part in today.drop("event", "drifted", "word").iter_slices(500):
    watch.add(part)
told = ["column", "statistic", "severity", "since", "window", "effect", "kind", "action"]
kit.show(watch.flush().select(told), "Alerts")

# %% [markdown]
# An alert says which column, since when, how large, which kind it probably is, and what to do first. `since` is where the first bad window begins, so the window of a day may point a day too early. `severity` is the size by the chapter's bands. Neither knows what the drift costs: label a sample before you retrain.
#
# The budget holds on average over launches. One launch of a thousand events is a sample itself; if it is an odd one, its false alarms come in runs.
#
# Stop the monitor in the middle, save it, load it, and it goes on as if nothing had happened. Its memory does not grow with the events: windows are sketches, and sketches add up.

# %%
import tempfile
from pathlib import Path

path = Path(tempfile.mkdtemp()) / "monitor.json"
watch.save(path)
again = drift.Monitor.load(path)
again.add(today.drop("event", "drifted", "word").head(100))  # a day late
print(f"{path.stat().st_size / 1e3:.0f} kB", again.counts)

# %% [markdown]
# Other tools compare windows as well. Evidently, for one, tests each column of numbers with K-S, at `p < 0.05`, while the launch has at most a thousand rows, takes a fixed distance above that, and calls the data set drifted when half of its columns are. You know now what such a report says on a quiet day with many columns, and you can correct it.
#
# ## What the chapter says

# %%
kit.show_claims("05")

# %% [markdown]
# ## Before the lab
#
# A distance without its chance is no alarm, and an alarm without its cost is no reason. Inputs show what comes in, predictions show what is asked, labels show what is right, and two raters show whether the labels are. In lab 05 you write the two statistics, buy monitors for a budget of false alarms, and find out what happened to three streams.

# %% [markdown]
# ## Checkpoint
#
# Five questions, drawn from a pool. Four right answers pass.

# %%
kit.checkpoint("05")

# %%
kit.report()

# %% [markdown]
# Now do [lab 05](../labs/release/lab05_drift/lab05_drift.ipynb).
