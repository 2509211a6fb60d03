# %% [markdown]
# # Data gravity
#
# A data set has mass. You feel it when you move it, when you feed it to a machine, and when you pay for the energy. This lesson gives you a closed form for each, and then checks the closed forms on your own machine with {{assume(3000, 'recordings in the data set, checked against its manifest')}} recordings of spoken digits.

# %%
import kit
from kit import corpus, gravity, measure
from kit.views import machine as views

kit.lesson("01")

# %% [markdown]
# ## The cost of moving
#
# Time is volume over rate: `T = D / BW`. A line of {{value('ethernet_fast')}} Gbit/s carries {{value('ethernet_fast')/8}} GB/s, for a byte has eight bits. A petabyte then takes {{recomputed(1)['time']}} s, or {{recomputed(1)['hours']|.1f}} hours, if the line is yours alone and no protocol takes its share.
#
# Money is volume times price. At {{value('egress')}} USD/GB, letting that petabyte out of a cloud costs {{recomputed(3)['cost']}} USD: as much as {{recomputed(3)['tpu_hours']}} hours on the accelerator it was meant for.

# %%
petabyte_gb = 1e6
hours = gravity.transfer_time_s(petabyte_gb, link_gbps=100) / 3600
usd = gravity.egress_cost_usd(petabyte_gb, usd_per_gb=0.09)
print(f"{hours:.1f} h, {usd:,.0f} USD")

# %% [markdown]
# The functions take columns as well as numbers, and refuse what cannot be.

# %%
gravity.transfer_time_s([1, 1000, 1e6], link_gbps=[0.016, 1, 100])

# %%
try:
    gravity.transfer_time_s(1000, link_gbps=-1)
except kit.KitError as error:
    print(error)

# %% [markdown]
# ## Move the data, or move the code?
#
# Moving the data costs egress and waiting, for every gigabyte. Moving the code costs a higher price for compute over there, once. So there is a volume above which the code should travel: the **break-even**.
#
# First predict. A job of {{assume(250, 'a case of ours')}} hours costs {{assume(3, 'a case of ours')}} USD/h more beside the data than at home. The link has {{value('link_gigabit')}} Gbit/s. Egress costs {{value('egress')}} USD/GB, an hour of waiting {{value('tpu_v4_hour')}} USD, and a model of one gigabyte comes home.

# %%
kit.predict("break-even", "Above what volume is moving the code cheaper?", "GB")

# %%
kit.explore("gravity")

# %% [markdown]
# Left of the line the data travels, right of it the code. Make the job longer: the line moves right, for more compute must be paid abroad. Watch the slow links bend the line: there, waiting costs more than egress.

# %%
edge = gravity.break_even_volume_gb(
    link_gbps=1,
    usd_per_gb=0.09,
    wait_usd_per_h=4,
    compute_h=250,
    here_usd_per_h=0,
    there_usd_per_h=3,
    result_gb=1,
)
kit.compare("break-even", edge, unit="GB")

# %% [markdown]
# ## The feeding tax
#
# An accelerator that waits for data is paid for and idle. The share of time it waits is the **feeding tax**: `1 - delivered / required`.
#
# The chapter gives two requirements for the same GPU, in two places. One says {{recomputed(5)['rate']|.1f}} GB/s. The other implies {{recomputed(5)['rate']*recomputed(5)['factor']|.1f}} GB/s, {{recomputed(5)['factor']|.0f}} times as much. Both are right for what they count:
#
# | | training on JPEG | inference on decoded images |
# |---|---|---|
# | work an image | {{value('resnet50_forward')*value('training_factor')|.1f}} GFLOP | {{value('resnet50_forward')}} GFLOP |
# | bytes an image | {{value('jpeg')}} kB | {{value('image_side')**2*value('image_channels')*value('fp32')/1e3}} kB |
#
# Always ask which bytes, and how much work for each.

# %%
kit.explore("feeding")

# %% [markdown]
# Lower the work for each sample, as a small keyword-spotting model would. A light model is hungrier than a heavy one: it finishes sooner and asks for more.

# %% [markdown]
# ## The choke point
#
# A data loader with more workers delivers more, until the disk allows no more, and nothing helps once the device has enough. The system runs at the smallest of the three rates.

# %%
kit.explore("choke")

# %% [markdown]
# ## Energy
#
# Moving a bit costs more than computing with it. How much more depends on the unit, and here the chapter mixes two: its figure for DRAM is for a word of {{gravity.WORD_BITS}} bit, its figures for disk and network are for one bit. On a common unit the picture is clear. Switch between bit and word: the bars move, the ratios do not.

# %%
kit.explore("energy")

# %% [markdown]
# ## Measure: one epoch
#
# Now your machine. These are real recordings, fetched once and checked file by file. Without a network a small sample takes their place, and a notice says so.

# %%
clips = corpus.recordings("fsdd")
clips

# %% [markdown]
# An **epoch** reads and decodes every clip once. The corpus can lie in many small files or in one large one; its contents can be in memory, in the page cache, or only on the disk ("cold"). The closed form adds three terms for each clip:
#
# `T = n x (open + bytes / rate + decode)`
#
# Predict before you measure.

# %%
kit.predict("cold-epoch", "How long does one epoch over all files take, cold?", "s")

# %%
kit.predict(
    "cold-ratio", "How many times longer do many cold files take than clips in memory?", "x"
)

# %% [markdown]
# The terms first. Each is measured on its own, none on the epoch itself.

# %%
rates = measure.epoch_rates(clips.paths)
kit.show(measure.measurement_table(vars(rates).values()))

# %% [markdown]
# Then the epochs. Each runs a few times; the cache is emptied before each cold run.

# %%
predicted = measure.predict_epochs(clips.paths, rates)
times = measure.epoch_times(clips.paths)
kit.compare("cold-epoch", times["files, cold"], model=predicted["files, cold"])

# %%
epochs = measure.epoch_table(predicted, times)
kit.after("cold-epoch", views.epochs(epochs), kit.show(epochs, "One epoch in five layouts"))

# %%
slowdown = times["files, cold"].over(times["memory"], "cold files over memory")
model = predicted["files, cold"] / predicted["memory"]
kit.compare("cold-ratio", slowdown, model=model)

# %%
kit.explain("cold-epoch", "Which term dominates, and what did the closed form leave out?")

# %% [markdown]
# On most machines the memory row agrees within a few per cent: nothing is left but decoding. Cold files take longer than predicted, for the closed form charges one disk access a file, while the file system also looks up where the file lies. One large file is read ahead: the disk works while you decode.
#
# This is why training data is packed into shards. The bytes are the same; the number of times you ask is not.

# %% [markdown]
# ## Information has density
#
# A million copies of one image weigh terabytes and say one image. The chapter's **data selection gain** is information over gravity. Information is bounded from above by what a compressor leaves of the distinct records (Shannon 1948), gravity by the bytes that move.


# %%
def payloads(paths):
    header_bytes = 44  # of a plain WAV file
    return [path.read_bytes()[header_bytes:] for path in paths]


sounds = payloads(clips.paths)
once = gravity.information_density(sounds)
print(
    f"{once.duplicate_share:.0%} duplicates, {once.entropy_bits_per_byte:.2f} bit/B by frequency,"
)
print(f"{once.bits_per_byte:.2f} bit of information a byte after compression")

# %% [markdown]
# Recorded speech hardly compresses: its low bits are noise, and noise is information to a compressor. That is the catch of this measure. It bounds information; it does not know what is useful.
#
# Curated sets have few exact duplicates. A crawl has many. Let us make one: every third recording is met a second time.

# %%
kit.predict("gain", "How many times more information does a byte carry after deduplication?", "x")

# %%
crawl = sounds + sounds[::3]
messy = gravity.information_density(crawl)
gain = gravity.selection_gain(messy, once)
kit.compare("gain", gain, model=len(crawl) / len(sounds), unit="x")

# %% [markdown]
# Deduplication removes mass and no information, so the gain is simply total over distinct bytes. It saves the same share of every cost above: transfer, storage, feeding, energy.

# %%
kit.explain("gain", "When would removing duplicates harm a model?")

# %% [markdown]
# ## Many workers: Amdahl's law
#
# If a share `S` of the work cannot be split, `N` workers give a speed-up of `1 / (S + (1 - S) / N)`. The chapter quotes {{stated(19)['perfect']}} cores that reach only {{stated(19)['limited']}} times; that takes {{recomputed(19)['serial']|.1f}} % of serial work. What is the share here? Real processes compute a spectrum of each clip.

# %%
kit.predict("speedup", "How much faster are two processes than one?", "x")

# %%
jobs = measure.scaling(measure.clip_work, clips.paths[:1500])
speedup = jobs[1].over(jobs[2], "two processes against one")
kit.compare("speedup", speedup, model=gravity.amdahl_speedup(0, 2))

# %%
runs = measure.scaling_table(jobs)
serial = max(gravity.serial_share(speedup.value, 2), 0.0)
runs = runs.with_columns(amdahl=gravity.amdahl_speedup(serial, runs["workers"]))
kit.after("speedup", views.scaling(runs, serial))

# %% [markdown]
# The serial share was fitted to two processes, so that point lies on the curve. Look at the others. Beyond the number of cores more processes do not help, and Amdahl's law does not know how many cores you have.

# %% [markdown]
# ## The coordination tax
#
# To normalise features you need a mean over all nodes. **Gather** sends all data to one node. **Reduce** computes a sum on each node and sends one number. The chapter says that reducing is {{stated(18)['factor']}} times faster for a terabyte on {{assume(100, 'nodes of the example in the chapter')}} nodes.
#
# Its own figures give {{recomputed(18)['least']|.0f}} to {{recomputed(18)['factor']|,.0f}}: a node's share takes {{recomputed(18)['fast']}} to {{recomputed(18)['slow']}} s to read from memory, not a hundredth of a second. Measure it with processes as nodes.

# %%
kit.predict("tax", "How many times longer does gathering take on four processes?", "x")

# %%
nodes, megabytes = 4, 64
gather, reduce = measure.coordination(nodes, megabytes)
network, ram = measure.loopback_throughput(), measure.memory_read()
at_once = min(nodes, measure.machine_facts()["cores"])  # further processes take turns
model = gravity.coordination_tax(nodes * megabytes / 1e3, at_once, network.value, ram.value)
kit.compare("tax", gather.over(reduce, "gather over reduce"), model=model)

# %%
kit.after("tax", gather, reduce, network, ram)

# %%
kit.explain("tax", "What would change on a real cluster with a slower network and more nodes?")

# %% [markdown]
# The principle stands, whatever the factor: an operation that shrinks data should run where the data lies.

# %% [markdown]
# ## What the chapter says, recomputed
#
# Numbers in print look certain. Each row below was recomputed from its own inputs by the kit; the verdict says whether it holds.

# %%
kit.show_claims("01")

# %% [markdown]
# ## Checkpoint
#
# Five questions, drawn from a pool. Most ask for a number and accept {{assume(5, 'per cent, the default tolerance of a question')}} % of error. Four right answers pass.

# %%
kit.checkpoint("01")

# %%
kit.report()

# %% [markdown]
# Now do [lab 01](../labs/release/lab01_data_gravity/lab01_data_gravity.ipynb).
