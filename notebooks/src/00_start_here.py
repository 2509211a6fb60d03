# %% [markdown]
# # Start here
#
# Data has mass, and moving it costs time, money and energy. This course teaches you to compute that cost before you pay it, to measure it on your own machine, and to explain the difference.
#
# One case runs through all lessons: the data for a **keyword-spotting model**. It must recognise a spoken word with {{value('kws_accuracy')}} % accuracy, answer within {{value('kws_latency')}} ms and fit into {{value('kws_memory')}} kB. Almost everything that decides whether it can is decided in the data.
#
# The lessons follow the data-engineering chapter of the open textbook *Machine Learning Systems*. Where they say "the chapter", they mean that one, and they check it.

# %%
import kit
from kit import measure
from kit.course.lessons import lesson_map
from kit.views.machine import ladder, rates

kit.lesson("00")

# %% [markdown]
# ## How a lesson works
#
# 1. **Predict.** You commit to a number. A wrong guess teaches more than a right one that you read.
# 2. **Explore.** Figures with sliders show the closed form: what happens when one thing changes.
# 3. **Measure.** The same quantity, on this machine, on real recordings, with its spread.
# 4. **Explain.** Prediction, closed form and measurement stand side by side. The ratio is rarely one. Say why.
#
# Run a cell with Shift+Enter. Every lesson runs alone, in any order. Nothing that you type leaves this machine: predictions and answers are kept in the folder `reports/` beside the notebooks. When you open a notebook again, choose *Run > Run All Cells*: your predictions, explanations and results come back.

# %% [markdown]
# ## The map

# %%
kit.show(lesson_map())

# %% [markdown]
# ## Your machine
#
# The next cell takes about ten seconds. It reads and writes memory, disk and a network connection from the machine to itself, and cleans up after itself.

# %%
here = kit.doctor()
here

# %% [markdown]
# Each line shows a typical value and the range that holds {{assume(80, 'the 10th to the 90th percentile')}} % of the runs. A note in the last column says what limits the figure.

# %%
speeds = measure.bandwidth_ladder(here.measurements)
rates(speeds)

# %%
kit.show(speeds.select("rung", "chapter_low_gbs", "chapter_high_gbs", "measured_gbs", "note"))

# %% [markdown]
# Grey bars are the chapter's table, blue dots are this machine. Memory is read by one core, and one core cannot use all of a server's memory channels. The network is this machine talking to itself.

# %% [markdown]
# ## Predict: how far is your memory?
#
# An access to the nearest cache is quick: the chapter gives {{value('latency_l1')}} ns, in which light travels {{value('latency_l1') * 29.98|.0f}} cm. How long does a load from main memory take, when nothing can guess its address?

# %%
kit.predict("dram", "How long does one random load from main memory take here?", "ns")

# %%
rungs = measure.ladder_measurements()
kit.compare(
    "dram", rungs["main memory"], kit.assumptions.value("latency_dram"), model_name="the chapter"
)

# %% [markdown]
# ## The ladder
#
# Grey rings are the chapter's table, from the nearest cache to {{value('latency_wan')/1e6}} ms across a continent. Blue dots are this machine, measured now. The upper scale stretches time until an access to the nearest cache takes one second.

# %%
steps = measure.latency_ladder(rungs)
kit.after("dram", ladder(steps), kit.show(steps.drop("low_ns", "high_ns", r"^.*human_s$")))

# %% [markdown]
# The first three rungs follow a chain of pointers through a growing working set, so that each load waits for the one before. The disk rung reads a random page that was dropped from the cache. The network rung is this machine talking to itself: a network without a wire, so a lower bound.

# %%
kit.explain("dram", "Where is your machine slower than the table, where faster, and why?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# The table goes back to a talk (Dean 2009) and rounds to whole decades. Its figure for the nearest cache is about one clock cycle. A load that waits for another takes four or five, and that is what the chain of pointers measures. Memory is often slower than the table on servers and in virtual machines: the request crosses a larger chip, and with a random address the processor must also look up where the page lies, sometimes twice. A local SSD is often faster, for disks of today are not those of that talk.
#
# </details>

# %% [markdown]
# ## Your report
#
# The last cell of each lesson writes what you predicted, measured and explained into one file. What is missing is listed at its end.

# %%
kit.report()

# %% [markdown]
# Go on with [lesson 01, data gravity](01_data_gravity.ipynb).
