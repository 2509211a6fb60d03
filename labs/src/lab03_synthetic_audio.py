# %% [markdown]
# # Lab 03: synthetic audio
#
# {{sum(points.values())}} points. About two and a half hours. Do lesson 03 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.

# %% kind="locked" task="setup"
import hashlib

import checks_lab03 as checks
import numpy as np
import polars as pl
from scipy.stats import chi2

from kit.experiments import budget

# %% [markdown]
# ## Task 1: noise at an exact level ({{points['noise-check'] + points['impossible-check']}} points)
#
# Write `mix_at_snr(speech, spoken, noise, snr_db)` that adds noise to a clip, so that the signal-to-noise ratio is `snr_db` to the last digit. All arrays have one row:
#
# - `speech`: the samples of the clip;
# - `spoken`: `True` for each sample at which somebody speaks. The power of the speech is the mean square of these samples. Pauses do not count, nor does a door that slams in one;
# - `noise`: as many samples as the clip has, or more. Take the first ones. Its power is the mean square of what you add, over the whole clip.
#
# The ratio in dB is `10 log10(power of the speech / power of the noise)`. Return the sum as an array of `float64`. Leave the speech in it as it is, and cut nothing off at full scale: whoever writes the file decides what to do with loud samples. The arrays that you are given must not change. They hold floats or `int16`, and the square of an `int16` rarely fits into an `int16`.


# %% kind="solution" task="noise"
def mix_at_snr(speech, spoken, noise, snr_db):
    """float64[n]: speech and noise, at a ratio of exactly snr_db."""
    ### BEGIN SOLUTION
    speech, noise = np.asarray(speech, np.float64), np.asarray(noise, np.float64)
    if speech.ndim != 1 or noise.ndim != 1 or np.shape(spoken) != speech.shape:
        raise ValueError("the shapes do not fit")
    if len(noise) < len(speech) or not np.isfinite(snr_db) or not spoken.any():
        raise ValueError("too little noise, no ratio, or nobody speaks")
    noise = noise[: len(speech)]
    power, added = np.mean(speech[spoken] ** 2), np.mean(noise**2)
    if not (power > 0 and added > 0):
        raise ValueError("the speech or the noise is silent")
    return speech + noise * np.sqrt(power / added / 10 ** (snr_db / 10))
    ### END SOLUTION


# %% kind="check" task="noise" points=3
# the ratio to a millionth of a dB, and the speech as it was
checks.noise(mix_at_snr)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.noise(mix_at_snr)
### END HIDDEN TESTS

# %% [markdown]
# Some mixtures cannot be. Make `mix_at_snr` raise a `ValueError`
#
# - for noise that is shorter than the clip, noise in two channels, and a `spoken` of another length;
# - where nobody speaks, or where all spoken samples are zero;
# - where the noise you would add is all zeros;
# - for a ratio that is infinite or not a number (`nan`).

# %% kind="check" task="impossible" points=1
# a ValueError for each mixture that cannot be
checks.impossible(mix_at_snr)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.impossible(mix_at_snr)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: how long a room rings ({{points['rt60-check'] + points['absorption-check']}} points)
#
# The reverberation time is how long a sound takes to fall by {{assume(60, 'definition of the reverberation time')}} dB after it was switched off. Nobody waits for that: noise covers the end. Write `rt60(response, rate)` that reads it from an impulse response, a float array with `rate` samples a second, after Schroeder:
#
# - the energy still to come at sample `i` is the sum of the squares from sample `i` to the end;
# - its level in dB is `10 log10(energy at i / energy at 0)`;
# - fit a straight line (least squares) through the level at all samples where it lies between `-5` and `-25` dB;
# - return the time in seconds in which that line falls by `60` dB.
#
# Raise a `ValueError` for a response of zeros alone, for one whose last level lies above `-25` dB, where fewer than two samples lie in between, and for a rate of zero, below zero or `nan`.


# %% kind="solution" task="rt60"
def rt60(response, rate):
    """Reverberation time in s, from the fall between -5 and -25 dB."""
    ### BEGIN SOLUTION
    energy = np.cumsum(response[::-1] ** 2)[::-1]
    if not (rate > 0 and energy[0] > 0):
        raise ValueError("no rate, or no sound")
    with np.errstate(divide="ignore"):
        level = 10 * np.log10(energy / energy[0])
    used = np.flatnonzero((level <= -5) & (level >= -25))
    if level[-1] > -25 or len(used) < 2:
        raise ValueError("the response does not show the fall")
    slope = np.polyfit(used / rate, level[used], 1)[0]
    return -60 / slope
    ### END SOLUTION


# %% kind="check" task="rt60" points=2
# rooms whose fall slows down, and responses that show no fall
checks.rt60(rt60)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.rt60(rt60)
### END HIDDEN TESTS

# %% [markdown]
# Now the way back. How much must the walls absorb, so that a room rings for a wanted time? Sabine's formula is `rt60 = 0.161 V / (a S)`, with the volume `V` in cubic metres, the area `S` of all six walls in square metres, and the share `a` of the sound that a wall swallows. Write `absorption(size_m, rt60_s)` that returns `a`; `size_m` is `(length, width, height)`.
#
# Raise a `ValueError` for a side or a time of zero or less, for `nan`, and for a time that this room cannot have. Which times are that?


# %% kind="solution" task="absorption"
def absorption(size_m, rt60_s):
    """Share of the sound that the walls swallow, after Sabine."""
    ### BEGIN SOLUTION
    a, b, c = size_m
    if not (min(a, b, c) > 0 and rt60_s > 0):
        raise ValueError("no room, or no time")
    share = 0.161 * a * b * c / (2 * (a * b + b * c + c * a) * rt60_s)
    if not share <= 1:
        raise ValueError("even open windows all around are not enough")
    return share
    ### END SOLUTION


# %% kind="check" task="absorption" points=1
# any room, and times that it cannot have
checks.absorption(absorption)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.absorption(absorption)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: the split that stops the leak ({{points['split-check']}} points)
#
# `clips` is a polars table with `clip_id`, `source_id` (the recording that a clip was made from), `speaker`, and `mixed_from`: a list of the recordings whose voices were mixed into it as babble, often empty. Two clips are siblings
#
# - if they have the same speaker, or
# - if they have a recording in common, be it their `source_id` or one in their `mixed_from`. That recording need not have a clip of its own in the table.
#
# Siblings of siblings are siblings as well, so the clips fall into groups. Write `group_split(clips, share)` that returns the same rows in the same order with one more column `split`, `"test"` or `"train"`:
#
# - a group is never divided, and both parts hold at least one;
# - the test holds `share` of the clips, give or take no more clips than the largest group has;
# - a hash of its names puts each group into a part. So the order of the rows does not matter, nor does the order of the names: whoever is called `"a"` is not always in the test. Python's own `hash` of a text is another in each process. `hashlib.sha256(name.encode()).hexdigest()` is always the same.
#
# Raise a `ValueError` if there is but one group, or none, for then no split is honest, and for a share that is not between zero and one.
#
# A way to start: give each clip a number of its own. Wherever two clips share a speaker or a recording, both take the smaller number. Repeat until nothing changes.


# %% kind="solution" task="split"
def group_split(clips, share):
    """clips with a column split: test or train, and no siblings on both sides."""
    ### BEGIN SOLUTION
    if not 0 < share < 1:
        raise ValueError("the share does not lie between zero and one")
    rows = clips.select("speaker", "source_id", "mixed_from").rows()
    links = [[("speaker", s), *(("recording", r) for r in (own, *mixed))] for s, own, mixed in rows]
    group, before = {key: str(key) for keys in links for key in keys}, None
    while group != before:
        before = dict(group)
        for keys in links:
            group |= dict.fromkeys(keys, min(group[key] for key in keys))
    mine = [group[keys[0]] for keys in links]
    names = sorted(set(mine), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    if len(names) < 2:
        raise ValueError("all clips are siblings: no honest split")
    test = set()
    for name in names[:-1]:
        if sum(one in test for one in mine) < share * len(mine):
            test.add(name)
    sides = ["test" if one in test else "train" for one in mine]
    return clips.with_columns(split=pl.Series(sides, dtype=pl.String))
    ### END SOLUTION


# %% kind="check" task="split" points=3
# chains of siblings, the share, the order of rows and names, and tables without a split
checks.split(group_split)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.split(group_split)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: a threshold you can promise ({{points['point-check']}} points)
#
# A spotter listened to a stream. `table` is a polars table with a row for each threshold: `threshold`, `false_accepts` (how often it woke without the word), `hours` (length of the stream), `missed` (words that it slept through) and `words` (all that were said). The rows come in any order, and a higher threshold does not always mean fewer false accepts.
#
# You promise at most `fa_per_h` false accepts an hour, and want to be {{assume(95, 'the usual certainty')}} % sure. Counting none in a short stream proves little: what counts is not the rate you saw but the highest rate that still goes with what you saw. After `k` events in `hours` it is, one-sided and exact for a Poisson count,
#
# `chi2.ppf(0.95, 2 * k + 2) / 2 / hours`
#
# One-sided, because only too many false accepts break the promise. Write `operating_point(table, fa_per_h)`. It returns a tuple of a threshold and its bound in false accepts an hour:
#
# - only thresholds count whose bound is at most `fa_per_h`;
# - among these, the one that misses the smallest share of the words;
# - among several of these, the highest threshold.
#
# Return `None` where no threshold can be promised, as in a stream that is too short. Raise a `ValueError` for a budget of zero or less or `nan`, and for a stream of no hours or without any word.


# %% kind="solution" task="point"
def operating_point(table, fa_per_h):
    """(threshold, upper bound of its false accepts an hour), or None."""
    ### BEGIN SOLUTION
    if not fa_per_h > 0 or (table["hours"] <= 0).any() or (table["words"] < 1).any():
        raise ValueError("no budget, no stream or no word")
    most = pl.Series(chi2.ppf(0.95, 2 * table["false_accepts"].to_numpy() + 2) / 2)
    table = table.with_columns(
        bound=most / table["hours"], share=pl.col("missed") / pl.col("words")
    )
    good = table.filter(pl.col("bound") <= fa_per_h)
    if not good.height:
        return None
    best = good.sort("share", "threshold", descending=[False, True]).row(0, named=True)
    return best["threshold"], best["bound"]
    ### END SOLUTION


# %% kind="check" task="point" points=3
# the bound, the choice, and streams that are too short
checks.point(operating_point)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.point(operating_point)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: what to buy ({{points['plan-check'] + points['accuracy-check']}} points)
#
# You have {{assume(500, 'a scenario of ours')}} USD to teach a spotter the ten digits. Three sources sell clips, and augmentation has a flat price:
#
# | | USD | what you get |
# |---|---|---|
# | `"record"` | {{value('market_record')}} a clip | a studio: clean, every label right, and few speakers |
# | `"crowd"` | {{value('market_crowd')}} a clip | more speakers in their own rooms: noise, and {{100*value('market_wrong')}} % of the labels wrong |
# | `"synthesise"` | {{value('market_synthesise')}} a clip | hundreds of voices that nobody was born with |
# | `"augment"` | | what training does to each clip it sees: `"none"` for nothing, `"light"` for {{value('market_light')}} USD, `"full"` for {{value('market_full')}} USD |
#
# `budget.PRICES` holds these prices, `budget.LIMITS` how many clips each source has for sale. Write `data_budget(prices, budget_usd)` that returns a plan, such as `{"record": 10, "crowd": 20, "synthesise": 30, "augment": "none"}`, for prices in a dictionary like `budget.PRICES`. The first check holds it to other prices and other budgets:
#
# - whole numbers of clips, none below zero, no more than there are for sale;
# - it never costs more than the budget, and at least nine tenths of it: money that is left over teaches nothing. The budgets will be such that recordings alone could use them up, and so could the crowd, and they will be at least forty times the dearest clip;
# - a `ValueError` for a budget that buys no clip at all, or is `nan`.

# %%
budget.PRICES, budget.LIMITS


# %% kind="solution" task="plan"
def data_budget(prices, budget_usd):
    """dict of record, crowd, synthesise (clips) and augment: what to buy."""
    ### BEGIN SOLUTION
    if not budget_usd >= min(prices[name] for name in budget.LIMITS):
        raise ValueError("this budget buys no clip")
    light = prices["augment"]["light"] <= budget_usd / 10
    plan = {"augment": "light" if light else "none"}
    left = budget_usd - prices["augment"][plan["augment"]]
    # shares of what is left: many voices first, then people, then the studio; the rest wherever it fits
    for name, share in (("synthesise", 0.1), ("crowd", 0.47), ("record", 1), ("crowd", 1)):
        count = min(int(share * left / prices[name]), budget.LIMITS[name] - plan.get(name, 0))
        plan[name] = plan.get(name, 0) + count
        left -= count * prices[name]
    return plan
    ### END SOLUTION


# %% kind="check" task="plan" points=2
# other prices and budgets: whole clips, and the budget used but never overdrawn
checks.plan(data_budget)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.plan(data_budget)
### END HIDDEN TESTS

# %% [markdown]
# The second check buys what you plan at `budget.PRICES`, trains a spotter on it, and lets a person speak who is in no source. It must beat the best of the three plans that put all the money into one source, or come within {{assume(2, 'less than the trainings scatter')}} points of it. `budget.judge(plan, seed=0)` gives the accuracy of any plan in some seconds. Try several plans, and several seeds: one training alone may be off by ten points, so the check takes the mean of two. The first time it trains for a minute or two; what was trained once is kept.
#
# When you hand in, another person speaks, who may not like a plan that was fitted to the first one.

# %%
# your computations

# %% kind="check" task="accuracy" points=2
# a person that no source has heard
checks.accuracy(data_budget)
### BEGIN HIDDEN TESTS
import hidden_lab03

hidden_lab03.accuracy(data_budget)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: an offer ({{points['defence']}} points)
#
# You need data for a wake word, and you promise at most {{assume(0.1, 'a scenario of ours')}} false accepts an hour. A vendor offers {{assume(40000, 'a scenario of ours')}} clips for {{assume(8000, 'a scenario of ours')}} USD. They were made from {{assume(400, 'a scenario of ours')}} recordings of {{assume(8, 'a scenario of ours')}} adults, with babble, noise and rooms. The vendor trained a spotter on them, and says of it:
#
# - it is right on {{assume(99, 'a scenario of ours')}} % of a tenth of the clips, drawn at random and kept out of the training;
# - in {{assume(6, 'a scenario of ours')}} hours of television it woke falsely not once, and it missed {{assume(5, 'a scenario of ours')}} % of the words.
#
# The offer stands for a month. You may spend {{assume(500, 'a scenario of ours')}} USD before you decide, at the prices of task 5. Do you buy? Defend it in about two hundred words, with numbers from your own functions. The next cell is for your computations and is not graded.
#
# | | excellent: a point | sufficient: half a point | insufficient: none |
# |---|---|---|---|
# | the claims | says what each of the two proves: why the random tenth leaks, and the highest rate of false accepts that goes with the hours | doubts one of them, with a reason | takes both as they are |
# | the price | compares dollars for a recording and for a speaker with other sources, and says what copies cannot add | the price of a clip | no computation |
# | the test | siblings on one side, unseen speakers, a stream that is long enough, and which result would change the decision | two of the four | none |

# %%
# your computations

# %% [markdown] kind="written" task="defence" points=3
# I do not buy yet. A tenth drawn at random leaks: of the {{40000/400|.0f}} copies of a recording about {{0.9*40000/400|.0f}} are in the training, so the spotter has heard siblings of every test clip, and babble ties the recordings together as well. If `group_split` finds one group only, the set cannot test itself at all. What it does on a ninth speaker is unknown. No false accept in {{assume(6, 'a scenario of ours')}} hours means, with {{assume(95, 'the usual certainty')}} % certainty, at most {{targets.hours_to_prove(1, 0.05)/6|.2f}} an hour, {{targets.hours_to_prove(0.1, 0.05)/6|.0f}} times what I promise. There `operating_point` returns `None`. It takes {{targets.hours_to_prove(0.1, 0.05)|.0f}} hours without a false accept, and more if there is one.
#
# A clip costs {{8000/40000|.2f}} USD, a third of what the crowd takes. But copies add neither voices nor words. A recording costs {{8000/400|.0f}} USD, where the studio takes {{value('market_record')}}; a speaker costs {{8000/8|.0f}} USD. Noise and rooms I make myself for {{value('market_full')}} USD. Children are in none of the sources, so for them I could promise nothing anyway.
#
# My pilot: {{assume(500, 'our choice for the pilot')}} clips of the crowd for {{500*value('market_crowd')|.0f}} USD. Half of its speakers are the test, with all siblings on that side. I ask the vendor for the recordings and the copies of two of its speakers, and train three spotters on each, and on my other crowd speakers. Then all of them listen to {{targets.hours_to_prove(0.1, 0.05)|.0f}} hours of radio. I buy if its copies are ahead on the unseen speakers by more than the trainings scatter, and if the threshold that I may promise misses at most {{assume(10, 'our choice')}} % of the words. Otherwise the crowd records more people.
