# %% [markdown]
# # Lab 06: labels
#
# {{sum(points.values())}} points. About two and a half hours. Do lesson 06 first.
#
# Write your answers where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`; other cells stay as they are. Below each answer a cell checks it, with other numbers each time. It tells you what it expected. When you hand in, further checks of the same kind run on numbers you have not seen.
#
# A check that prints `Passed.` is passed. *Run All Cells* stops at the first task that is still open.
#
# The raters of this lab are simulated, and their mistakes are real. Three keyword spotters of different strength listened to digits, spoken by people whom none of them had heard. `confusions[j, true, said]` counts what spotter `j` said. Nothing is trained here.

# %% kind="locked" task="setup"
import math
from functools import cache
from itertools import product

import checks_lab06 as checks
import numpy as np
from scipy.stats import chi2_contingency

from kit.errors import KitError
from kit.labeling import aggregate
from kit.labeling.plan import Plan, priced, simulate, tier_of

confusions, words = checks.confusion_counts()

# %% [markdown]
# ## Task 1: agreement beyond chance ({{points['kappa-check']}} points)
#
# Two raters labelled the same items, each with gaps. Write `cohen_kappa(a, b, labels)`:
#
# - `a` and `b`: lists of the same length, an entry an item. `None` is a gap;
# - `labels`: a list of all labels that there are, used or not: text, whole numbers, or `True` and `False`;
# - only items that both rated count;
# - `agreement` is the share of these items on which the two say the same. `chance` is the sum, over all labels, of the share that `a` gives a label times the share that `b` gives it;
# - return `(agreement - chance) / (1 - chance)`, a number.
#
# The lists must not change. Raise a `ValueError`
#
# - for lists of different lengths, and where no item was rated by both;
# - for a label that is not among `labels`, even beside a gap;
# - where both gave one and the same label to every item that both rated. Then `1 - chance` is zero, and kappa is not defined.


# %% kind="solution" task="kappa"
def cohen_kappa(a, b, labels):
    """Cohen's kappa over the items that both rated; None is a gap."""
    ### BEGIN SOLUTION
    if len(a) != len(b) or {*a, *b} - {*labels, None}:
        raise ValueError("different lengths, or a label that nobody knows")
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    if len({x for pair in pairs for x in pair}) < 2:
        raise ValueError("no item that both rated, or one label only")
    n, first, second = len(pairs), [x for x, _ in pairs], [y for _, y in pairs]
    agreement = sum(x == y for x, y in pairs) / n
    chance = sum(first.count(x) * second.count(x) for x in labels) / n**2
    return (agreement - chance) / (1 - chance)
    ### END SOLUTION


# %% kind="check" task="kappa" points=3
# raters with gaps, labels of several types, and ratings that have no kappa
checks.kappa(cohen_kappa)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.kappa(cohen_kappa)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 2: what does one more correct label cost? ({{points['majority-check'] + points['price-check']}} points)
#
# Several raters label each item, and the most frequent label wins. Write `majority_accuracy(accuracy, raters, classes)`: the share of items whose winning label is right, where
#
# - each rater is right with the chance `accuracy`, and otherwise says any of the other `classes - 1` labels, all equally often;
# - raters do not influence each other;
# - where several labels lead with equally many votes, one of them is drawn.
#
# The answer is exact, no simulation. With up to nine raters and ten classes there are too many ways to vote to list them all. One way around it: give the right label `x` votes and count the ways to deal the others to the wrong labels, one label after the other, none with more than `x`. If `t` wrong labels have `x` as well, the right one wins once in `t + 1` times.
#
# Raise a `ValueError` for an accuracy that does not lie between zero and one (both are allowed) or is `nan`, for less than one rater, and for fewer than two classes.


# %% kind="solution" task="majority"
def majority_accuracy(accuracy, raters, classes):
    """Share of items, 0 to 1, whose most frequent label is right; ties are drawn."""
    ### BEGIN SOLUTION
    if not (0 <= accuracy <= 1 and raters >= 1 and classes >= 2):
        raise ValueError("no accuracy, no raters or no classes")

    @cache
    def ways(left, labels, most, tied):
        """Ways to deal votes to wrong labels, each divided by the number of leaders."""
        if labels == 0:
            return 1 / (1 + tied) if left == 0 else 0.0
        return sum(
            math.comb(left, votes) * ways(left - votes, labels - 1, most, tied + (votes == most))
            for votes in range(min(left, most) + 1)
        )

    wrong = (1 - accuracy) / (classes - 1)
    return sum(
        math.comb(raters, x) * accuracy**x * wrong ** (raters - x)
        * ways(raters - x, classes - 1, x, 0)
        for x in range(1, raters + 1)
    )  # fmt: skip
    ### END SOLUTION


# %% kind="check" task="majority" points=2
# one rater to nine, two labels to ten, and input that cannot be
checks.majority(majority_accuracy)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.majority(majority_accuracy)
### END HIDDEN TESTS

# %% [markdown]
# The price of all labels over the number of correct ones is an average. One rater an item nearly always wins it. Whoever pays wants to know another price: what does each *further* correct label cost, if every item gets `many` raters instead of `few`?
#
# Write `usd_per_more(accuracy, few, many, usd, classes)` with `usd` for a label: the USD of the labels that come on top, over the correct labels that come on top. Return `math.inf` where the accuracy grows by less than `1e-12`. Raise a `ValueError` where `many` is not larger than `few`, for less than one rater, for a price below zero, and for `nan`.
#
# Then try it: three raters instead of one, five instead of three, two instead of one. What does the second rater buy?


# %% kind="solution" task="price"
def usd_per_more(accuracy, few, many, usd, classes):
    """USD for each correct label that many raters give and few do not."""
    ### BEGIN SOLUTION
    if not (many > few and usd >= 0):
        raise ValueError("no more raters, or no price")
    gain = majority_accuracy(accuracy, many, classes) - majority_accuracy(accuracy, few, classes)
    return (many - few) * usd / gain if gain > 1e-12 else math.inf
    ### END SOLUTION


# %% kind="check" task="price" points=1
# raters who help, raters who do not, and input that cannot be
checks.price(usd_per_more)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.price(usd_per_more)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 3: whom to believe ({{points['step-check']}} points)
#
# A majority counts everybody alike. Dawid and Skene gave each rater a table of their own: what they say, given the truth. Nobody knows the truth, so the tables and the truth are found in turns, by EM. Write one turn, `em_step(ratings, posterior, extra)`, for `I` items, `R` raters and `K` labels:
#
# - `ratings`: integers of shape `(I, R)`. Labels are the numbers `0` to `K - 1`; `-1` means that this rater did not rate this item;
# - `posterior`: floats of shape `(I, K)`, how likely each label is for each item. Rows add up to one;
# - `extra`: ratings that are imagined in every cell, so that none is empty. A number above zero.
#
# First M. `shares[k]` is the sum of `posterior[:, k]`, plus `extra`, divided so that all shares add up to one. `confusion[r, k, l]` is the sum of `posterior[i, k]` over all items that rater `r` called `l`, plus `extra`, divided so that every row `confusion[r, k]` adds up to one.
#
# Then E, with what M found. A row of the new posterior is `shares[k]` times `confusion[r, k, ratings[i, r]]` of each rater who rated item `i`, divided so that it adds up to one. An item that nobody rated gets the shares.
#
# Return the tuple `(shares, confusion, posterior, log_likelihood)`, arrays of shape `(K,)`, `(R, K, K)` and `(I, K)`, and a number: the sum over all items of the logarithm of what the row added up to before it was divided, plus `extra` times the sum of the logarithms of all shares and of all cells of `confusion`. The imagined ratings count like real ones. So written, it never falls from one step to the next, for any `extra` above zero, if each step begins with the posterior of the step before. Without the second part it may fall.
#
# An item may have many ratings. The product of a thousand shares is zero to a computer: add logarithms, and take the largest off before you go back. The arrays that you are given must not change.
#
# Raise a `ValueError` for `extra` that is not above zero, for arrays with different numbers of items, and for a number in `ratings` that is neither a label nor `-1`.


# %% kind="solution" task="step"
def em_step(ratings, posterior, extra):
    """(shares, confusion, posterior, log-likelihood) after one step of EM."""
    ### BEGIN SOLUTION
    k = posterior.shape[1]
    if not extra > 0 or len(ratings) != len(posterior):
        raise ValueError("nothing is imagined, or items are missing")
    if not ((ratings >= -1) & (ratings < k)).all():
        raise ValueError("a rating is no label")
    said = (ratings[:, :, None] == np.arange(k)).astype(float)  # items, raters, labels
    shares = posterior.sum(0) + extra
    shares = shares / shares.sum()
    confusion = np.einsum("ik,irl->rkl", posterior, said) + extra
    confusion = confusion / confusion.sum(2, keepdims=True)
    logs = np.log(shares) + np.einsum("irl,rkl->ik", said, np.log(confusion))
    top = logs.max(1, keepdims=True)
    rows = np.exp(logs - top)
    whole = rows.sum(1, keepdims=True)
    imagined = extra * (np.log(shares).sum() + np.log(confusion).sum())
    return shares, confusion, rows / whole, float((top + np.log(whole)).sum() + imagined)
    ### END SOLUTION


# %% kind="check" task="step" points=4
# six steps on ratings with gaps, by few raters and by many
checks.step(em_step)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.step(em_step)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 4: whom to send home ({{points['judge-check']}} points)
#
# In a crowd there are
#
# - `"honest"` raters, who say what they hear. Some hear badly;
# - `"spammer"`s, who do not listen. They always say one word, or any word at random;
# - `"adversary"`s, who listen like the honest ones, and then say another word. A word that they heard always becomes the same other word.
#
# `checks.crowd()` gives the ratings of such a crowd and `gold`. Write `judge(ratings, gold)`:
#
# - `ratings`: a polars table `item`, `rater`, `label`, a row a rating, in any order. Five people rated each item;
# - `gold`: a dictionary of item to label, for the items whose truth is known. They are one in twelve;
# - return a dictionary with every rater and their kind.
#
# The check draws eight crowds. Up to about {{assume(60, 'what the check draws')}} % of the people in a crowd do not help, and in every second crowd one word is much more frequent than the others. You must be right about {{assume(95, 'our choice')}} % of the raters.
#
# Few golds say little about one rater. But they tell roughly whom to believe, these people tell the truth of other items, and that truth tells more about everybody. Your `em_step` goes this way. So does `aggregate` of the kit, whose table of raters the next cell shows; its own kinds are not good enough here.
#
# Then ask two questions of each rater. Does what they say depend on the truth at all? And if so, are they right more often than by chance? Mind that a rater's own votes have a part in the truth that you found.

# %%
ratings, gold = checks.crowd()
aggregate(ratings, gold=gold).raters.head()


# %% kind="solution" task="judge"
def judge(ratings, gold):
    """dict of rater -> honest, spammer or adversary."""
    ### BEGIN SOLUTION
    names = [sorted(set(ratings[c]) | more) for c, more in
             (("item", {*gold}), ("rater", set()), ("label", {*gold.values()}))]  # fmt: skip
    item, rater, label = ({x: i for i, x in enumerate(side)} for side in names)
    said, k = np.full((len(item), len(rater)), -1), len(label)
    for i, r, x in ratings.select("item", "rater", "label").rows():
        said[item[i], rater[r]] = label[x]
    known, true = [item[x] for x in gold], np.eye(k)[[label[x] for x in gold.values()]]
    posterior = (said[:, :, None] == np.arange(k)).sum(1) + 1 / k  # a smoothed majority
    posterior = posterior / posterior.sum(1, keepdims=True)
    for _ in range(30):
        posterior[known] = true
        posterior = em_step(said, posterior, 0.1)[2]
    posterior[known] = true
    truth, kinds = posterior.argmax(1), {}
    for name, number in rater.items():
        rated = said[:, number] >= 0
        table = np.zeros((k, k))
        np.add.at(table, (truth[rated], said[rated, number]), 1)
        table = table[table.any(1)][:, table.any(0)]
        deaf = min(table.shape) < 2 or chi2_contingency(table, correction=False)[1] > 1e-9
        kappa = 0 if deaf else cohen_kappa([*truth[rated]], [*said[rated, number]], range(k))
        kinds[name] = "spammer" if deaf else "honest" if kappa > 0.15 else "adversary"
    return kinds
    ### END SOLUTION


# %% kind="check" task="judge" points=3
# eight crowds: who listens, who does not, and who lies?
checks.judge(judge)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.judge(judge)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 5: an order for labels ({{points['limits-check'] + points['cheap-check']}} points)
#
# You buy labels for ten thousand clips, from a crowd and from experts. `checks.job()` gives an order and the people of a pilot, whom you may try as often as you like. Write `buy(job, crowd, experts)`:
#
# - `job`: a dictionary with `"items"`, how many clips; `"accuracy"`, the share of labels that must be right; `"budget_usd"` and `"days"`, the most that the labels may cost and take; `"test_share"`, the share of the clips that experts must label in any case, for they will be your test set;
# - `crowd`, `experts`: lists of `Rater`, the people of the pilot;
# - return the cheapest `Plan` that keeps all limits, or `None` if you find none. Its `gold` is `test_share` or more; its `review` stays zero and its `threshold` stays `None`, for you have no model.
#
# `help(Plan)` says what its fields mean. Two functions tell what a plan would do:
#
# - `priced(plan, items, tier_of(crowd), tier_of(experts), len(words))` computes it, at once. It raises a `KitError` for a plan that nobody could carry out. `kit.labeling.plan.best_plan` computes hundreds of plans and returns the cheapest on paper. You may use it;
# - `simulate(plan, truth, crowd, experts, seed=0)` carries the plan out, with `truth` a list of the true words.
#
# They do not agree, as the cells below show. The formulas take all people of a tier for equally good, and spread their errors evenly over all words. Look at the row of the six in `confusions`: how often do three raters outvote the truth there? A plan that just keeps the limits on paper breaks them in the field.
#
# The check has your plan carried out by other people of the same kind, on clips in which all words are equally frequent. The accuracy may be half a point lower than asked for, USD and days {{assume(10, 'other people are a little quicker or slower')}} % higher. It draws three orders, and one that nobody can fill. Each call of `buy` should take a few seconds at most.

# %%
job, crowd, experts = checks.job()
job

# %%
plan = Plan(raters=3, agree=2, gold=job["test_share"])
truth = np.random.default_rng(0).choice(words, job["items"])
paper = priced(plan, job["items"], tier_of(crowd), tier_of(experts), len(words))
field = simulate(plan, truth, crowd, experts)
paper.accuracy, field.accuracy


# %% kind="solution" task="limits"
def buy(job, crowd, experts):
    """The cheapest Plan that keeps the limits of the job, or None."""
    ### BEGIN SOLUTION
    tiers, options = (tier_of(crowd), tier_of(experts)), []
    tests, shares = ((0, 0), (5, 4), (10, 7)), {job["test_share"], 0.05, 0.1}
    for raters, (golds, least), gold in product((0, 2, 3, 4, 5, 7), tests, sorted(shares)):
        if gold < job["test_share"] or (golds == 0 and gold > job["test_share"]):
            continue  # too few golds, or more than anybody needs
        for agree in (0, *range(2, raters + 1)):
            try:
                plan = Plan(raters, agree, 1, gold, golds, least)
                paper = priced(plan, job["items"], *tiers, len(words))
            except KitError:  # nobody can carry it out
                continue
            close = paper.accuracy > job["accuracy"] - 0.01 and paper.days < 1.2 * job["days"]
            if close and paper.usd < 1.2 * job["budget_usd"]:
                options.append((paper.usd, len(options), plan))
    truth = np.random.default_rng(1).choice(words, size=job["items"])

    def keeps(plan, seed, spare):
        done = simulate(plan, truth, crowd, experts, seed=seed)
        within = done.usd <= job["budget_usd"] and done.days <= job["days"]
        return within and done.accuracy >= job["accuracy"] + spare

    for spare in (0.005, 0.0):  # others may hear worse, so first with something to spare
        for _, _, plan in sorted(options):  # the cheapest first
            if all(keeps(plan, seed, spare) for seed in range(3)):
                return plan
    return None
    ### END SOLUTION


# %% kind="check" task="limits" points=1
# three orders with limits, filled by other people, and one that cannot be
checks.limits(buy)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.limits(buy)
### END HIDDEN TESTS

# %% [markdown]
# The second check draws three more orders, looks at the limits as before, and adds up what your plans cost. They may be {{assume(20, 'other people, other plans')}} % dearer than the plans that the check found itself. It tried some hundred, the cheapest first, and took the first with half a point of accuracy to spare.

# %% kind="check" task="cheap" points=2
# three orders: the price, against the cheapest plan that keeps the limits
checks.cheap(buy)
### BEGIN HIDDEN TESTS
import hidden_lab06

hidden_lab06.cheap(buy)
### END HIDDEN TESTS

# %% [markdown]
# ## Task 6: defend it ({{points['defence']}} points)
#
# Suppose the order of `checks.job()` is real money. Whoever pays wants to know why your plan is worth it, and has heard that "three people and a majority" is how it is done. `checks.job(spammers=0.2)` gives the same order with a crowd in which a fifth of the people spam. Defend your plan in about two hundred words, with numbers from your own functions. Say
#
# - what the plan costs, in all, for a correct label, and for a further correct label against the three people and a majority; and how sure you are of it;
# - what happens to accuracy, USD and days if a fifth of the crowd spams, and which field of the plan you would change then;
# - what you would measure first, on how many clips and people, and what it costs;
# - when you would change the plan: which number, measured how often, beyond which limit.
#
# The next cell is for your computations and is not graded.
#
# | | excellent: a point | sufficient: half a point | insufficient: none |
# |---|---|---|---|
# | the price | all of it, for a correct label and for a further one, on paper and in the field, and says which to believe | the price of the plan and of a correct label | a price without an accuracy |
# | the spam | all three numbers with a fifth of spammers, and a change of the plan with what it costs and saves | says what breaks, without a remedy that was tried | "we would notice" |
# | the first step | a pilot that can prove the plan wrong: clips, people, USD, and the result that would stop it | a pilot without its price or without a result that would stop it | none |
# | the change | a number that can be measured while the labels are made, a limit with its false alarms, and what is done then | a number without a limit | "if quality falls" |

# %%
# your computations

# %% [markdown] kind="written" task="defence" points=4
# *The price.* Three of the crowd for each clip, experts where no two agree; whoever has fewer than seven of ten golds right goes. In ten runs with the pilot this gives {{assume(95.8, 'a run of this lab')|.1f}} % for {{assume(1453, 'a run of this lab')|.0f}} USD: {{1453/9576|.3f}} USD a correct label. Twenty other crowds gave {{assume(95.3, 'a run of this lab')|.1f}} to {{assume(96.3, 'a run of this lab')|.1f}} %. On paper it is {{assume(98.9, 'a run of this lab')|.1f}} %. I believe the field: {{assume(42, 'a run of this lab')|.0f}} % of the wrong labels are sixes that the crowd calls eight, and the formulas know nothing of that. Three people and a majority, with the same test set, cost {{assume(1150, 'a run of this lab')|.0f}} USD and give {{assume(92.1, 'a run of this lab')|.1f}} %: {{1150/9210|.3f}} USD a correct label, cheaper, and not what was ordered. A further correct label costs {{(1453-1150)/(9576-9210)|.2f}} USD with my plan, and {{(5000-1453)/(9944-9576)|.0f}} USD beyond it, with experts alone.
#
# *A fifth spam.* Three and a majority fall to {{assume(81.4, 'a run of this lab')|.1f}} %. My plan sends {{assume(29, 'a run of this lab')|.0f}} of a hundred people home instead of {{assume(11, 'a run of this lab')|.0f}} and gives {{assume(95.5, 'a run of this lab')|.1f}} % for {{assume(1601, 'a run of this lab')|.0f}} USD in {{assume(0.37, 'a run of this lab')}} days instead of {{assume(0.34, 'a run of this lab')}}: within the limits. Then I would ask for four of five golds: {{assume(95.7, 'a run of this lab')|.1f}} % for {{assume(1517, 'a run of this lab')|.0f}} USD.
#
# *First* the {{10000*0.05|.0f}} clips of the test set, by experts and by three raters each: {{500*0.5+1500*0.03|.0f}} USD for labels that we need anyway. I carry the plan out on them. With fewer than {{assume(465, 'our choice')|.0f}} right I stop. That stops my plan wrongly in {{assume(0.2, 'a run of this lab')}} % of all cases, and one that gives {{assume(92, 'a run of this lab')|.0f}} % rightly in {{assume(77, 'a run of this lab')|.0f}} %.
#
# *Change.* When everybody has had ten golds, after half an hour of work, I count who failed. With more than {{assume(20, 'our choice')|.0f}} of a hundred I ask for four of five golds from then on. Without spam that happens in {{assume(0.5, 'a run of this lab')}} % of all orders (binomial), with a fifth of spammers in {{assume(97, 'a run of this lab')|.0f}} %.
