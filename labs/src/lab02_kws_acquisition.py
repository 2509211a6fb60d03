# %% [markdown]
# # Lab 02: keyword-spotting data
#
# {{sum(points.values())}} points. About two hours. Do lesson 02 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.

# %% kind="locked" task="setup"
import checks_lab02 as checks
import pandera.polars as pa
import polars as pl

# %% [markdown]
# ## Task 1: false wakes ({{points['budget-check'] + points['implied-check']}} points)
#
# A spotter judges a window of sound every `hop_s` seconds, day and night. Write `wake_budget(wakes, period_h, hop_s)` for a promise of at most `wakes` false wakes in `period_h` hours. It returns a tuple of
#
# - the rate: which share of the windows may wake it falsely. Nearly all windows are without the word, so count them all. A rate is never above one;
# - the rejection in per cent: how many of a hundred such windows must let it sleep. Do not round: the digits that count stand far behind the decimal point.
#
# Raise a `ValueError` for input that cannot be: a negative number of wakes, a period or hop of zero or less, or a value that is not a number (`nan`).

# %% kind="solution" task="budget"
def wake_budget(wakes, period_h, hop_s):
    """(allowed false-positive rate of a window, rejection in per cent)."""
    ### BEGIN SOLUTION
    if not (wakes >= 0 and period_h > 0 and hop_s > 0):
        raise ValueError("wakes, period or hop is impossible")
    rate = min(wakes * hop_s / (period_h * 3600), 1.0)
    return rate, 100 * (1 - rate)
    ### END SOLUTION

# %% kind="check" task="budget" points=2
# rate and rejection, and a ValueError for input that cannot be
checks.budget(wake_budget)
### BEGIN HIDDEN TESTS
import hidden_lab02

hidden_lab02.budget(wake_budget)
### END HIDDEN TESTS

# %% [markdown]
# Now the way back. Somebody offers you a spotter. On a test set, where the share `word_share` of the windows holds the word, it was right in the share `accuracy` of all windows, and it missed no word. Write `implied_wakes_per_day(accuracy, word_share, hop_s)`: how often does it wake on a day on which nobody says the word? It judges a window every `hop_s` seconds, and errs as often on windows without the word as it did in the test.
#
# Raise a `ValueError` for a share or accuracy outside zero to one, a hop of zero or less, `nan`, a test set that holds nothing but the word, and an accuracy below `word_share`. Why can the last one not be?

# %% kind="solution" task="implied"
def implied_wakes_per_day(accuracy, word_share, hop_s):
    """False wakes a day without the word, of a spotter that misses no word."""
    ### BEGIN SOLUTION
    if not (0 <= word_share < 1 and word_share <= accuracy <= 1 and hop_s > 0):
        raise ValueError("accuracy, share or hop is impossible")
    rate = (1 - accuracy) / (1 - word_share)
    return rate * 24 * 3600 / hop_s
    ### END SOLUTION

# %% kind="check" task="implied" points=1
# wakes of a day, and a ValueError for input that cannot be
checks.implied(implied_wakes_per_day)
### BEGIN HIDDEN TESTS
import hidden_lab02

hidden_lab02.implied(implied_wakes_per_day)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: a pass that loses nothing ({{points['account-check']}} points)
#
# A pass hands each row to a function `check` and must say of each row what became of it. Write `run_pass(rows, check, name)`; `rows` is a list of dictionaries with texts and numbers. Call `check` once for each row, in order. What it does decides:
#
# - it returns a dictionary: the row, perhaps changed, is kept;
# - it returns `None`: the row is a duplicate;
# - it raises an exception: the row is bad;
# - it returns anything else: `check` itself is wrong, and the row counts as bad, with a reason that begins with `TypeError`.
#
# Return a dictionary with
#
# - `"kept"`: list of the dictionaries that `check` returned;
# - `"duplicates"`: list of the numbers of the duplicate rows, counted from zero;
# - `"letters"`: list with a dictionary for each bad row, with `"pass"` (the `name`), `"row"` (its number) and `"reason"` (type and message, as in `ValueError: too short`);
# - `"counts"`: a dictionary with `"read"`, `"written"`, `"duplicates"` and `"rejected"`, so that `read = written + duplicates + rejected`.
#
# One bad row never stops the pass. A person who presses stop does: `KeyboardInterrupt` and `SystemExit` go through. `check` may change the dictionary that it gets, and may fail afterwards; the rows of the caller must stay as they were.

# %% kind="solution" task="account"
def run_pass(rows, check, name):
    """dict of kept, duplicates, letters and counts: what became of every row."""
    ### BEGIN SOLUTION
    kept, duplicates, letters = [], [], []
    for number, row in enumerate(rows):
        try:
            found = check(dict(row))
            if found is not None and not isinstance(found, dict):
                raise TypeError(f"check returned {type(found).__name__}")
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            letters.append({"pass": name, "row": number, "reason": reason})
        else:
            if found is None:
                duplicates.append(number)
            else:
                kept.append(found)
    counts = {
        "read": len(rows),
        "written": len(kept),
        "duplicates": len(duplicates),
        "rejected": len(letters),
    }
    return {"kept": kept, "duplicates": duplicates, "letters": letters, "counts": counts}
    ### END SOLUTION

# %% kind="check" task="account" points=4
# every row accounted for, whatever check does
checks.account(run_pass)
### BEGIN HIDDEN TESTS
import hidden_lab02

hidden_lab02.account(run_pass)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: words out of sentences ({{points['spans-check']}} points)
#
# An aligner found the words of a recording of `length_s` seconds: `words` is a list of `(word, start_s, end_s, score)` in the order of time, without overlap. Write `word_spans(words, length_s, padding_s, clip_s, least)` that returns a list with a pair `(span, reason)` for each word. The span `(start_s, end_s)` is the piece to cut out:
#
# - it begins `padding_s` before the word and ends `padding_s` after it, but
# - it stays inside the recording, from zero to `length_s`, and
# - it reaches at most to the middle of the gap to the word before and to the word after, whether these are cut out or not. So no sound ever lies in two clips.
#
# Where a span is given, the reason is `""`. Where it is not, the span is `None`, and the reason is `"unsure"` for a score below `least`, else `"too-long"` for a span, as limited above, longer than `clip_s`.

# %% kind="solution" task="spans"
def word_spans(words, length_s, padding_s, clip_s, least):
    """list of ((start_s, end_s), "") or (None, reason), one for each word."""
    ### BEGIN SOLUTION
    spans = []
    for i, (_, start, end, score) in enumerate(words):
        before = (words[i - 1][2] + start) / 2 if i else 0.0
        after = (end + words[i + 1][1]) / 2 if i + 1 < len(words) else length_s
        first, last = max(start - padding_s, before), min(end + padding_s, after)
        if score < least:
            spans.append((None, "unsure"))
        elif last - first > clip_s:
            spans.append((None, "too-long"))
        else:
            spans.append(((first, last), ""))
    return spans
    ### END SOLUTION

# %% kind="check" task="spans" points=3
# close neighbours, both ends of the recording, unsure and long words
checks.spans(word_spans)
### BEGIN HIDDEN TESTS
import hidden_lab02

hidden_lab02.spans(word_spans)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: a contract ({{points['contract-check']}} points)
#
# Speakers have codes like postcodes, and some program upstream will take them for numbers one day. Write `clip_schema(labels, rates)` that returns a `pa.DataFrameSchema` for a table of clips:
#
# | column | type | rule |
# |---|---|---|
# | `clip_id` | text | no two rows have the same |
# | `speaker` | text | exactly five digits, and zeros in front are digits too |
# | `label` | text | one of the list `labels` |
# | `seconds` | `float` | above `0`, at most `10` |
# | `sample_rate` | `int` | one of the list `rates` |
# | `source_id` | text | may repeat |
#
# All columns must be there, and no value may be missing. Further columns may follow. A column of another type is refused and never cast. `schema.validate(table, lazy=True)` must name every row that breaks a rule, so let pandera's own checks look at each value.

# %% kind="solution" task="contract"
def clip_schema(labels, rates):
    """pandera schema of a table of clips."""
    ### BEGIN SOLUTION
    return pa.DataFrameSchema({
        "clip_id": pa.Column(str, unique=True),
        "speaker": pa.Column(str, pa.Check.str_matches(r"^[0-9]{5}$")),
        "label": pa.Column(str, pa.Check.isin(labels)),
        "seconds": pa.Column(float, pa.Check.in_range(0, 10, include_min=False)),
        "sample_rate": pa.Column(int, pa.Check.isin(rates)),
        "source_id": pa.Column(str),
    })
    ### END SOLUTION

# %% kind="check" task="contract" points=3
# good tables pass, and each broken rule is found alone
checks.contract(clip_schema)
### BEGIN HIDDEN TESTS
import hidden_lab02

hidden_lab02.contract(clip_schema)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: coverage under a budget ({{points['plan-check']}} points)
#
# `cells` is a polars table with a row for each cohort: `cohort`, `clips` (there now), `wanted`, `usd_per_clip` (price of a clip, kept or not) and `kept_share` (share of new clips that pass the gates). Write `collection_plan(cells, budget_usd)` that returns the same rows in the same order with three more columns:
#
# - `collect`: whole number of clips to order. The number that is expected to pass must reach what is lacking; `0` where nothing is lacking or the cell is not chosen;
# - `usd`: what they cost;
# - `full`: whether the cell has all it wants once the plan is carried out, `True` or `False`.
#
# Choose whole cells, so that as many as possible become full for at most `budget_usd`; among such plans, one of the cheapest. A cell of which nothing passes can never be filled.
#
# The rule is short: fill the cheapest cell first, then the next. Suppose that a plan fills an expensive cell and leaves out a cheaper one. Swap the two: as many cells are full, and money is left over. So no plan beats the cheapest cells in order. This holds for this goal alone, where a full cell counts one, whoever is in it. Half a cell counts nothing, because with too few clips you could not even measure how well the cohort is served.

# %% kind="solution" task="plan"
def collection_plan(cells, budget_usd):
    """cells with columns collect, usd and full: the most full cells for the budget."""
    ### BEGIN SOLUTION
    lacking = (pl.col("wanted") - pl.col("clips")).clip(0)
    # null: cannot be filled
    need = pl.when(lacking == 0).then(0.0).when(pl.col("kept_share") > 0).then(
        (lacking / pl.col("kept_share")).ceil()
    )
    plan = cells.with_row_index("row").with_columns(collect=need)
    plan = plan.with_columns(usd=pl.col("collect") * pl.col("usd_per_clip")).sort("usd", "row")
    plan = plan.with_columns(full=(pl.col("usd").cum_sum() <= budget_usd).fill_null(False))
    done = [pl.when("full").then(name).otherwise(0.0).alias(name) for name in ("collect", "usd")]
    plan = plan.with_columns(done).sort("row").with_columns(pl.col("collect").cast(pl.Int64))
    return plan.select(*cells.columns, "collect", "usd", "full")
    ### END SOLUTION

# %% kind="check" task="plan" points=4
# budget kept, whole cells, and as many as any plan can fill
checks.plan(collection_plan)
### BEGIN HIDDEN TESTS
import hidden_lab02

hidden_lab02.plan(collection_plan)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: whose voices? ({{points['defence']}} points)
#
# Your device launches in English and German. You have the Free Spoken Digit Dataset: English digits by {{assume(6, 'FSDD: its speakers')}} speakers, all of them men, with {{assume(4, 'FSDD: accents of its speakers')}} accents, {{assume(500, 'FSDD: recordings of a speaker')}} clips each. You want {{assume(1000, 'a scenario of ours')}} kept clips in each of four cells: English and German, women and men. The budget is {{assume(5000, 'a scenario of ours')}} USD. There are three sources:
#
# - **recordings on purpose**: a speaker is paid {{assume(1.5, 'a scenario of ours')}} USD for a clip. Its label costs {{value('kws_label')}} USD, and {{100*value('kws_review')|.0f}} % of labels are paid twice, because a second person looks. In a pilot with English speakers {{assume(80, 'a scenario of ours')}} % of {{assume(50, 'a scenario of ours')}} clips passed the gates;
# - **words cut out of audiobooks**: {{assume(0.02, 'a scenario of ours')}} USD for a clip, {{assume(40, 'a scenario of ours')}} % pass. The aligner knows English only, and your words are read by {{assume(9, 'a scenario of ours')}} women and {{assume(14, 'a scenario of ours')}} men;
# - **synthesis**: {{assume(0.001, 'a scenario of ours')}} USD for a clip, {{assume(90, 'a scenario of ours')}} % pass, in any language.
#
# Your plan of task 5 would fill every cell with synthesis for the price of a coffee. Decide what to buy instead, or why not, and defend it in about two hundred words, with numbers from your own functions. The next cell is for your computations and is not graded.
#
# | | excellent: a point | sufficient: half a point | insufficient: none |
# |---|---|---|---|
# | numbers | the price of a kept clip for every source, a plan for all cells within the budget, and the yield at which it breaks | the price of a kept clip for one source | no computation |
# | who is left out | names people whom the plan does not cover and what happens to them, and counts speakers beside clips | names a group | nobody |
# | measurement | before: the yield of a pilot with its interval; afterwards: accuracy for each cohort with its interval, on people who were in no training set | one of the two | none |

# %%
# your computations

# %% [markdown] kind="written" task="defence" points=3
# A kept clip costs {{(1.5+value('kws_label')*(1+value('kws_review')))/0.8|.2f}} USD recorded, {{0.02/0.4|.2f}} USD from audiobooks and {{0.001/0.9|.4f}} USD synthetic. Three cells are empty. Recording all three costs {{3*1000*(1.5+value('kws_label')*(1+value('kws_review')))/0.8|.0f}} USD, more than I have. So I record both German cells for {{2*1000*(1.5+value('kws_label')*(1+value('kws_review')))/0.8|.0f}} USD, because no other source has German people, and cut English women out of audiobooks for {{1000*0.02/0.4|.0f}} USD. The remaining {{5000-2*1000*(1.5+value('kws_label')*(1+value('kws_review')))/0.8-1000*0.02/0.4|.0f}} USD buy {{(5000-2*1000*(1.5+value('kws_label')*(1+value('kws_review')))/0.8-1000*0.02/0.4)*0.8/(1.5+value('kws_label')*(1+value('kws_review')))|.0f}} recordings of other English people, for the test.
#
# The plan breaks below a yield of {{100*2*1000*(1.5+value('kws_label')*(1+value('kws_review')))/(5000-1000*0.02/0.4)|.0f}} %: then the German cells alone eat the budget. The pilot says {{assume(80, 'the pilot')}} %, give or take {{100*1.96*(0.8*0.2/50)**0.5|.0f}} points, so it holds, but barely. I would pay for a German pilot first.
#
# Left out are children, old people, most accents and loud rooms. The English men are {{6*500}} clips, but {{assume(6, 'FSDD')}} voices, and the women {{assume(9, 'the audiobooks')}}. Whom the device does not know must say everything twice, and no average shows it: if a tenth of the users have an accuracy of {{assume(80, 'an example')}} % and all others {{value('kws_accuracy')}} %, the mean is {{0.1*80+0.9*value('kws_accuracy')|.1f}} %. So afterwards I report accuracy for each cohort, on people who were in no training set and never on synthesis. With {{assume(300, 'our choice')}} clips a cohort, even independent ones leave {{100*1.96*(0.98*0.02/300)**0.5|.1f}} points either way. Clips of one speaker are alike, so I draw speakers, not clips, for the interval, and it will be wider.
