# %% [markdown]
# # Lab 05: drift
#
# {{sum(points.values())}} points. About two and a half hours. Do lesson 05 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.
#
# The first cell trains a small spotter once, for less than a minute. Every event in this lab is a clip that this spotter was given. What drifts is made on purpose, so that we know the truth.

# %% kind="locked" task="setup"
import checks_lab05 as checks
import numpy as np
import polars as pl
from scipy.stats import chi2, kstwobign

from kit import drift
from kit.experiments import events, served
from kit.experiments.served import INPUTS, OUTPUTS

pool, notice = served.kept()
print(notice or "The events are recordings of people.")

# %% [markdown]
# ## Task 1: PSI ({{points['psi-check'] + points['chance-check']}} points)
#
# Write `psi(reference, current, bins)`, the population stability index of two columns of numbers, in nats:
#
# - The edges of the bins are the inner quantiles of the reference, `np.quantile(reference, np.arange(1, bins) / bins)`. Below the first edge and above the last one the bins are open: nothing falls out. A bin holds its lower edge.
# - A value `v` may be so frequent that several of the quantiles `np.quantile(reference, np.arange(bins + 1) / bins)` fall on it. Then it gets a bin of its own: `v` and `np.nextafter(v, np.inf)` are both edges. So a constant reference has three bins: below it, equal, above.
# - A bin that is empty on both sides is left out.
# - If a bin is then empty on one side, add half a row to every bin of both sides, before you turn counts into shares.
# - PSI is the sum of `(q - p) log(q / p)` over the bins, `p` being the shares of the reference, `q` those of the current window.
#
# Raise a `ValueError` for a column without values, for one with a value that is not finite, and for fewer than two bins.


# %% kind="solution" task="psi"
def psi(reference, current, bins):
    """Population stability index over quantile bins of the reference, nats."""
    ### BEGIN SOLUTION
    a, b = np.asarray(reference, float), np.asarray(current, float)
    if not (len(a) and len(b) and np.isfinite(a).all() and np.isfinite(b).all() and bins >= 2):
        raise ValueError("no values, values that are not finite, or too few bins")
    points = np.quantile(a, np.arange(bins + 1) / bins)
    often = points[1:][points[1:] == points[:-1]]
    edges = np.unique([*points[1:-1], *often, *np.nextafter(often, np.inf)])
    p, q = (
        np.bincount(np.searchsorted(edges, x, "right"), minlength=len(edges) + 1) for x in (a, b)
    )
    used = p + q > 0
    p, q = p[used], q[used]
    if (p * q == 0).any():
        p, q = p + 0.5, q + 0.5
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())
    ### END SOLUTION


# %% kind="check" task="psi" points=3
# columns with ties and without, empty bins, constant columns, and input that cannot be
checks.psi(psi)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.psi(psi)
### END HIDDEN TESTS

# %% [markdown]
# The chapter warns from a PSI of {{assume(0.1, 'band of the chapter')}} on, whatever the windows hold. But PSI is not zero where nothing has changed: two windows from one source differ by chance. There, PSI divided by `1 / n + 1 / m` follows the chi-square distribution with `bins - 1` degrees of freedom, for windows of `n` and `m` values.
#
# Write `psi_by_chance(n, m, bins, band)`. It returns a tuple: the mean PSI where nothing has changed, and the share of windows whose PSI is above `band` all the same. Then try it: a reference of `1000`, windows of `100`, and ten bins. Is the band a test?


# %% kind="solution" task="chance"
def psi_by_chance(n, m, bins, band):
    """(mean PSI without a change, share of windows above the band)."""
    ### BEGIN SOLUTION
    scale = 1 / n + 1 / m
    return float((bins - 1) * scale), float(chi2.sf(band / scale, bins - 1))
    ### END SOLUTION


# %% kind="check" task="chance" points=1
# small windows and large ones, held against windows that are drawn and counted
checks.chance(psi_by_chance)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.chance(psi_by_chance)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: Kolmogorov-Smirnov ({{points['gap-check'] + points['threshold-check']}} points)
#
# Write `ks(a, b)`: the largest gap between the distribution functions of two columns of numbers, from zero to one. The distribution function at `x` is the share of values that are at most `x`. Equal values are counted together, before the gap is taken. The columns come in any order and must not change.
#
# Raise a `ValueError` for a column without values, and for one with a value that is not finite.


# %% kind="solution" task="gap"
def ks(a, b):
    """D, the largest gap of two distribution functions."""
    ### BEGIN SOLUTION
    a, b = np.sort(np.asarray(a, float)), np.sort(np.asarray(b, float))
    if not (len(a) and len(b) and np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("no values, or values that are not finite")
    at = np.concatenate([a, b])
    shares = [np.searchsorted(x, at, "right") / len(x) for x in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())
    ### END SOLUTION


# %% kind="check" task="gap" points=2
# columns with many ties and with none, of all sizes, and columns that cannot be compared
checks.gap(ks)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.gap(ks)
### END HIDDEN TESTS

# %% [markdown]
# How large a gap is too large? The chapter says `1.36 / sqrt(n)`. That holds for one sample against a distribution that is known. A monitor has two samples, and both scatter.
#
# Kolmogorov found in {{assume(1933, 'year of the paper')|.0f}} how a gap is distributed where nothing has changed: for large windows `D / sqrt(1 / n + 1 / m)` follows `scipy.stats.kstwobign`. Write `ks_threshold(n, m, rate)`: the gap that is exceeded in a share `rate` of all windows without a change. Raise a `ValueError` for a window of no rows, for a rate that does not lie between zero and one, and for `nan`.


# %% kind="solution" task="threshold"
def ks_threshold(n, m, rate):
    """The D that two windows of n and m rows exceed in a share `rate` by chance."""
    ### BEGIN SOLUTION
    if not (n > 0 and m > 0 and 0 < rate < 1):
        raise ValueError("no rows, or no rate")
    return float(kstwobign.isf(rate) * np.sqrt(1 / n + 1 / m))
    ### END SOLUTION


# %% kind="check" task="threshold" points=2
# false alarms, counted on windows without a change
checks.threshold(ks_threshold)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.threshold(ks_threshold)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: monitors on a budget ({{points['budget-check'] + points['sight-check']}} points)
#
# Somebody gets up for every alarm. You may wake them `budget` times a month in vain, all monitors together. Write `plan(reference, window, windows, budget)`:
#
# - `reference`: a polars table of events from the days after the launch, with the columns below;
# - `window`: how many events each window will hold; `windows`: how many windows a month will bring. Each of them is compared with the reference;
# - return a list of monitors, each a dictionary with `"column"`, `"statistic"` and `"threshold"`. A monitor gives alarm in a window in which its statistic is above its threshold.
#
# Numbers are in the columns `INPUTS` and `OUTPUTS`; take `"ks"` or `"psi"` (`10` bins) for them. `"said"`, the word that the spotter heard, is a category; take `"chi-square"` or `"psi"`. The check computes the statistics as `drift.compare` does. Values that are missing do not count. Labels come weeks later: no monitor of this task sees them.
#
# The false alarms are counted over many months: two monitors that cry in the same window cry twice. Thresholds for large windows are approximate, and chance has its say, so the check lets up to {{assume(2.5, 'more than chance and large-window formulas explain')}} times the budget pass. A plan that stays far below its budget fails as well: who never cries sees nothing. `drift.threshold` knows more statistics than you have written, and `drift.simulated_threshold` knows PSI at rates as small as these, where the formula for large windows gives too many alarms.
#
# Raise a `ValueError` for a budget of zero or less or `nan`.

# %%
reference = checks.shown(events.stream(pool, events=8000, seed=1))
reference.head()


# %% kind="solution" task="budget"
def plan(reference, window, windows, budget):
    """list of monitors, dictionaries of column, statistic and threshold."""
    ### BEGIN SOLUTION
    if not budget > 0:
        raise ValueError("no budget")
    numbers = [*INPUTS, *OUTPUTS]
    rate = min(budget / windows / (len(numbers) + 1), 0.5)
    monitors = []
    for column in numbers:
        known = reference[column].count() / reference.height
        limit = ks_threshold(known * reference.height, known * window, rate)
        monitors.append({"column": column, "statistic": "ks", "threshold": limit})
    words = reference["said"].n_unique()
    limit = drift.threshold("chi-square", reference.height, window, rate, words)
    return [*monitors, {"column": "said", "statistic": "chi-square", "threshold": limit}]
    ### END SOLUTION


# %% kind="check" task="budget" points=2
# months without any drift: false alarms, against your budget
checks.budget(plan)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.budget(plan)
### END HIDDEN TESTS

# %% [markdown]
# The second check injects large drifts, one at a time: each way in which sound changes, and words that come in other shares. Your monitors must see each of them in nine of ten windows.

# %% kind="check" task="sight" points=2
# windows with a drift: does any of your monitors give alarm?
checks.sight(plan)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.sight(plan)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: do the raters agree? ({{points['kappa-check']}} points)
#
# Two raters label the same events. Two who both say "not spam" in {{assume(90, 'example of the chapter')}} % of cases agree often without looking: in {{assume(90, 'example of the chapter')*assume(90, 'example of the chapter')/100|.0f}} % both say "not spam", and in {{(100-90)*(100-90)/100|.0f}} % both say "spam". That makes {{(90*90+10*10)/100|.0f}} %; the chapter forgets the second part. Cohen's kappa takes chance off: `(agreement - chance) / (1 - chance)`, with `chance` the sum, over all labels, of the share that the first rater gives a label times the share that the second gives it.
#
# Write `kappa_windows(first, second, window)`: a list with kappa for each full window of `window` events, in order. A rest that fills no window is left out. Where both raters gave one and the same label all the time, kappa is not defined: put `None`. Raise a `ValueError` for lists of different lengths and for a window of less than one event.
#
# The words for kappa are those of Landis and Koch 1977: above {{assume(0.6, 'Landis and Koch')}} substantial, above {{assume(0.8, 'Landis and Koch')}} almost perfect. The chapter is one word too low for both of its examples, {{assume(0.72, 'example of the chapter')}} and {{assume(0.85, 'example of the chapter')}}.


# %% kind="solution" task="kappa"
def kappa_windows(first, second, window):
    """list of Cohen's kappa, one a full window; None where there was one label only."""
    ### BEGIN SOLUTION
    first, second = list(first), list(second)
    if len(first) != len(second) or window < 1:
        raise ValueError("the raters did not label the same events, or the window is empty")
    found = []
    for i in range(0, len(first) - window + 1, window):
        a, b = first[i : i + window], second[i : i + window]
        agreement = sum(x == y for x, y in zip(a, b, strict=True)) / window
        chance = sum(a.count(x) * b.count(x) for x in set(a)) / window**2
        found.append((agreement - chance) / (1 - chance) if chance < 1 else None)
    return found
    ### END SOLUTION


# %% kind="check" task="kappa" points=2
# raters who agree, who get tired, and who know one label only
checks.kappa(kappa_windows)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.kappa(kappa_windows)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: what happened, and since when? ({{points['diagnosis-check']}} points)
#
# `checks.mysteries(pool)` gives a reference and three streams. In each of them something drifts, or nothing does. A drift sets in suddenly, after the first quarter of the stream and before its last one, and stays. It is one of
#
# - `"covariate"`: the sound has changed;
# - `"label"`: the same words sound as before, but come in other shares;
# - `"concept"`: sound and spotter are as before, but a word now means something else, so that another label is right;
# - `"label quality"`: all is as before, only the raters err more often. Each of the two errs on their own.
#
# By now the labels are in: `label` by one rater, `second` by another. Nobody tells you the truth. Write `diagnose(reference, events)` that returns a tuple of the kind and the number of the first event that drifted, or `("none", None)`.
#
# The check draws ten streams of `4000` events, two of each kind and two with no drift, in any order. You must be right in nine. Right is the kind, and a start that lies at most `400` events off the true one.
#
# All drifts here are large; how small a drift may be and still be seen was the question of task 3.
#
# First ask of each kind which columns it moves, and which it leaves alone. Then find the event that divides a column best into before and after. One way is to add up `x - x.mean()` from the first event on, where `x` is, say, one for each event on which the raters differ. Where is that sum farthest from zero?

# %%
before, streams = checks.mysteries(pool)
streams[0].head()


# %% kind="solution" task="diagnosis"
def diagnose(reference, events):
    """(kind, first event that drifted), or ("none", None)."""
    ### BEGIN SOLUTION
    late = events.tail(events.height // 5)  # whatever drifts has drifted here

    def tested(a, b, columns):
        found = drift.compare(a, b, columns, statistics=("ks", "chi-square"))
        return dict(found.filter(pl.col("p_value") < 1e-6).select("column", "value").rows())

    def since(x):
        x = np.asarray(x, float)
        return int(np.abs(np.cumsum(x - x.mean())).argmax()) + 1

    apart = (pl.col("label") != pl.col("second")).alias("apart")
    if tested(reference.select(apart), late.select(apart), ["apart"]):
        return "label quality", since(events.select(apart).to_series())
    moved = tested(reference, late, ["label", "said", *INPUTS])
    if "label" in moved:
        a, b = reference["label"].to_numpy(), late["label"].to_numpy()
        weight = {x: (b == x).mean() - (a == x).mean() for x in {*a, *b}}
        kind = "label" if "said" in moved else "concept"
        return kind, since([weight.get(x, 0.0) for x in events["label"]])
    gaps = {name: moved[name] for name in INPUTS if name in moved}
    if not gaps:
        return "none", None
    name = max(gaps, key=gaps.get)
    a, b = (x[name].drop_nulls().to_numpy() for x in (reference, late))
    at = np.unique(np.concatenate([a, b]))
    cut = max(at, key=lambda x: abs((a <= x).mean() - (b <= x).mean()))
    return "covariate", since(events[name].fill_null(cut) <= cut)
    ### END SOLUTION


# %% kind="check" task="diagnosis" points=4
# ten streams: the kind, and the first event that drifted
checks.diagnosis(diagnose)
### BEGIN HIDDEN TESTS
import hidden_lab05

hidden_lab05.diagnosis(diagnose)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: an incident note ({{points['note']}} points)
#
# `checks.incident(pool)` gives a reference and the stream of a week in which the calls to the help desk doubled. An update went to all devices on Thursday morning. Operations took it back on Friday at noon, after the last event of the stream, on a guess. The labels came three weeks later. Find out what happened, and write the note that your colleagues read. About two hundred words, with numbers from your own functions. Say
#
# - what happened, since which event and time, and how large it is: how often the spotter contradicted the rater before and after, and an interval for the difference;
# - who is hurt: which words, and what the raters can and cannot tell you;
# - the cause: what you know, what you suppose, and what would prove you wrong;
# - whether the update was rightly taken back, what you would do next, and who must decide it;
# - how to find it earlier: which monitor, which window, how many false alarms.
#
# The next cell is for your computations and is not graded.
#
# | | excellent: a point | sufficient: half a point | insufficient: none |
# |---|---|---|---|
# | the finding | kind, start, loss with its interval, who is hurt; a cause with what speaks for it, and a test of it | kind and start, and one number for the loss | no numbers, or none that the stream holds |
# | the answer | a judgement of what was done, and the next step; a monitor with its delay and its false alarms, that would have seen it | a monitor without its price | a promise to look more often |

# %%
before, week = checks.incident(pool)

# %% [markdown] kind="written" task="note" points=2
# *What, since when, how large.* These are the numbers of a run on the recordings. Since event {{assume(9787, 'a run on the recordings')|.0f}}, Thursday shortly after nine, the spotter contradicts the rater in {{assume(51.6, 'a run on the recordings')|.1f}} % of the events, before in {{assume(14.5, 'a run on the recordings')|.1f}} %: {{51.6-14.5|.1f}} points more, {{assume(36.0, 'a run on the recordings')|.0f}} to {{assume(38.2, 'a run on the recordings')|.0f}} with {{assume(95, 'the usual certainty')}} % certainty (Newcombe).
#
# *Who is hurt.* Whoever says six or eight: neither was understood even once. One, seven and zero are lost in two of three cases or more; two, four and nine are heard as before. The stream has no column for speakers, so whether some people suffer more is open. Kappa stayed near {{assume(0.89, 'a run on the recordings')}}, and the labels come in the same shares: neither the raters nor the words have changed.
#
# *Cause.* It is covariate drift: the bandwidth fell from {{assume(3.9, 'a run on the recordings')}} to {{assume(2.1, 'a run on the recordings')}} kHz for all, at one event, while the level is the same. The update went out that morning; I suppose that it set the codec to a lower band. What hisses lies above its edge, and six and eight need it. Devices without the update that lose the highs as well, or updated ones that keep them, would prove me wrong.
#
# *Next.* Taking the update back was right. One day of events must now show the old bandwidth (I); then the makers of the update decide about the codec. Until then ask back on six and eight. No retraining: the model was not at fault.
#
# *Earlier.* K-S of the bandwidth in windows of {{assume(250, 'our choice')}} events, about two hours, is {{assume(0.99, 'a run on the recordings')}}; the threshold for one false alarm a month over nine monitors is {{assume(0.134, 'a run on the recordings')|.2f}}. The first full window would have seen it on the same morning; the labels took three weeks.
