# %% [markdown]
# # Start here
#
# Data has mass, and moving it costs time, money and energy. This course teaches you to compute that cost before you pay it, to measure it on your own machine, and to explain the difference.
#
# One case runs through all lessons: the data for a **keyword-spotting model**. It must recognise a spoken word with {{value('kws_accuracy')}} % accuracy, answer within {{value('kws_latency')}} ms and fit into {{value('kws_memory')}} kB. Almost everything that decides whether it can is decided in the data.

# %%
import kit
from kit import measure
from kit.course.lessons import lesson_map
from kit.views.machine import ladder

kit.lesson("00")

# %% [markdown]
# ## How a lesson works
#
# 1. **Predict.** You commit to a number. A wrong guess teaches more than a right one that you read.
# 2. **Explore.** Figures with sliders show the closed form: what happens when one thing changes.
# 3. **Measure.** The same quantity, on this machine, on real recordings, with its spread.
# 4. **Explain.** Prediction, closed form and measurement stand side by side. The ratio is rarely one. Say why.
#
# Run a cell with Shift+Enter. Every lesson runs alone, in any order. Nothing that you type leaves this machine: predictions and answers are kept in the folder `reports/` beside the notebooks.

# %% [markdown]
# ## The map

# %%
kit.show(lesson_map())

# %% [markdown]
# ## Your machine
#
# Every figure in this course that describes a machine describes yours. The next cell takes about half a minute: it reads and writes memory, disk and a network connection from the machine to itself. It cleans up after itself.

# %%
here = kit.doctor()
here

# %% [markdown]
# Each line shows the median and the range that holds the middle {{assume(80, 'the 10th to the 90th percentile')}} % of the runs. A note in the last column means that something limits the figure. Believe the note.

# %% [markdown]
# ## Predict: how far is your memory?
#
# An access to the nearest cache takes about as long as light needs for a hand's breadth. How long does a load from main memory take, when nothing can guess its address?

# %%
kit.predict("dram", "How long does one random load from main memory take here?", "ns")

# %% [markdown]
# ## The ladder
#
# Grey rings are the chapter's table, {{value('latency_l1')}} ns for the nearest cache up to {{value('latency_wan')/1e6}} ms across a continent. Blue dots are this machine, measured now. The upper scale stretches time until an access to the nearest cache takes one second: then a load from memory is minutes away, and a continent years.

# %%
steps = measure.latency_ladder()
kit.after("dram", ladder(steps), kit.show(steps.drop("low_ns", "high_ns", r"^.*human_s$")))

# %% [markdown]
# The first three rungs follow a chain of pointers through a working set of growing size, so that each load must wait for the one before. The disk rung reads a random page that was dropped from the cache. The network rung is this machine talking to itself: a network without a wire, so a lower bound.

# %%
working_set = 256 * 2**20  # bytes: larger than any cache
load = measure.memory_latency(working_set, "one random load from main memory")
kit.compare("dram", load, model=100, model_name="chapter's table")

# %%
kit.explain("dram", "Why does your machine differ from the table? Name one reason.")

# %% [markdown]
# The table is a rule of thumb from another decade. Servers with many cores often need longer to reach memory than a laptop, for the request crosses more of the chip. Caches became faster, disks became far faster, and the speed of light did not change.

# %% [markdown]
# ## Your report
#
# The last cell of each lesson writes what you predicted, measured and explained into one file. What is missing is listed at its end.

# %%
kit.report()

# %% [markdown]
# Go on with [lesson 01, data gravity](01_data_gravity.ipynb).
