# %% [markdown]
# # Data gravity
#
# A data set has mass. You feel it when you move it, when you feed it to a machine, and when you pay for the energy. This lesson gives you a closed form for each, and then checks the closed forms on your own machine with {{assume(3000, 'recordings in the data set, checked against its manifest')}} recordings of spoken digits.

# %%
import io

import numpy as np
import soundfile

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
# Data is moved once: you pay egress and waiting for every gigabyte. Compute beside the data costs more every hour that you use it. So there is a volume above which the code should travel: the **break-even**.
#
# First predict. All runs on this data together take {{assume(250, 'a case of ours')}} hours, and cost {{assume(3, 'a case of ours')}} USD/h more beside the data than at home. The link has {{value('link_gigabit')}} Gbit/s. Egress costs {{value('egress')}} USD/GB, an hour of waiting {{value('tpu_v4_hour')}} USD, and a model of one gigabyte comes home.

# %%
kit.predict("break-even", "Above what volume is moving the code cheaper?", "GB")

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

# %%
kit.after("break-even", kit.explore("gravity"))

# %% [markdown]
# Left of the line the data travels, right of it the code. More hours of work push the line to the right, for they must be paid abroad. Slow links bend it to the left: there, waiting costs more than egress.

# %% [markdown]
# ## The feeding tax
#
# An accelerator that waits for data is paid for and idle. The share of time it waits is the **feeding tax**: `1 - delivered / required`.
#
# The chapter gives two requirements for the same GPU, in two places. One says {{recomputed(5)['rate']|.1f}} GB/s. The other implies {{recomputed(5)['rate']*recomputed(5)['factor']|.1f}} GB/s, {{recomputed(5)['factor']|.0f}} times as much:
#
# | | training on JPEG | inference on decoded images |
# |---|---|---|
# | work per image | {{value('resnet50_forward')*value('training_factor')|.1f}} GFLOP | {{value('resnet50_forward')}} GFLOP |
# | bytes per image | {{value('jpeg')}} kB | {{value('image_side')**2*value('image_channels')*value('fp32')/1e3}} kB |
#
# Both are upper bounds: they divide the peak rate of the device by the work, and no real program reaches the peak. The chapter's own figure of a data loader has a GPU that takes {{value('loader_gpu')}} images/s. That is {{recomputed(6)['real_gbs']}} GB/s, which a plain SATA disk delivers. Three numbers for one device: which would you buy disks for? Ask every time which bytes, how much work per sample, and what share of the peak.

# %%
kit.explore("feeding")

# %% [markdown]
# Lower the work per sample, as a small keyword-spotting model would. A light model is hungrier than a heavy one: it finishes sooner and asks for more. Then lower the rate of the device to a third, which is closer to what training reaches.

# %% [markdown]
# ## The choke point
#
# A data loader with more workers delivers more, until the disk allows no more, and nothing helps once the device has enough. The system runs at the smallest of the three rates.

# %%
kit.explore("choke")

# %% [markdown]
# ## Energy
#
# Moving a bit costs more than computing with it. How much more depends on the unit, and here the chapter mixes two: its figure for DRAM is for a word of {{gravity.WORD_BITS}} bits, its figures for disk and network are for one bit. Switch between bit and word: the bars move, the ratios do not.
#
# Striped bars have no source. Check one yourself: an SSD that draws {{assume(8, 'watts: look at the data sheet of your own')}} W while it reads {{value('nvme')}} GB/s spends {{8/(value('nvme')*8e9)*1e12|.0f}} pJ per bit. The chapter says {{value('ssd_bit')}}. It may count the whole machine around the disk; it does not say.

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
# A cold file also pays one random access to the disk. Predict before you measure.

# %%
kit.predict("cold-epoch", "How long does one epoch over all files take, cold?", "s")

# %%
kit.predict("cold-ratio", "How many times as long do cold files take as clips in memory?", "x")

# %% [markdown]
# The terms first. Each is measured on its own, on a sample or on scratch data, not on the epoch itself. They are means, because a sum is a count times a mean: rare slow reads belong to it.

# %%
rates = measure.epoch_rates(clips.paths)
kit.after(["cold-epoch", "cold-ratio"], kit.show(measure.measurement_table(vars(rates).values())))

# %% [markdown]
# Then the epochs. Each runs a few times; the cache is emptied before each cold run.

# %%
predicted = measure.predict_epochs(clips.paths, rates)
times = measure.epoch_times(clips.paths)
kit.compare("cold-epoch", times["files, cold"], model=predicted["files, cold"])

# %%
slowdown = times["files, cold"].over(times["memory"], "cold files over clips in memory")
model = predicted["files, cold"] / predicted["memory"]
kit.compare("cold-ratio", slowdown, model=model)

# %%
epochs = measure.epoch_table(predicted, times)
table = kit.show(epochs, "One epoch in five layouts")
kit.after(["cold-epoch", "cold-ratio"], views.epochs(epochs), table)

# %% [markdown]
# ## Diagnose: what did the closed form miss?
#
# A ratio other than one is a question. Two interventions split the gap: read the cold files without decoding them, and decode clips that lie in memory. Name your suspect first.

# %%
gap = measure.epoch_gap(clips.paths, rates, times)
kit.diagnose("cold-epoch", gap, "s")

# %%
kit.explain("cold-epoch", "Which cause dominates here, and how would you remove it?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# Reading costs more than one disk access per file, for each file has its own extent to look up and its own pages to set up. And a decoder that waits for the disk between any two clips starts cold: other code has used the processor's caches meanwhile. Both go away when the corpus lies in one large file. It pays for the access once and is then read at the sequential rate. This is why training data is packed into shards: the bytes are the same, the number of times you ask is not.
#
# </details>

# %% [markdown]
# ## Information has density
#
# A million copies of one JPEG weigh {{1e6*value('jpeg')*1e3/1e9}} GB and say one image. The chapter's **data selection gain** is information over gravity. Information is bounded from above by what a compressor leaves of the distinct records (Shannon 1948), gravity by the bytes that move.

# %%
header_bytes = 44  # of a plain WAV file
sounds = [path.read_bytes()[header_bytes:] for path in clips.paths]
once = gravity.information_density(sounds)
print(f"{once.duplicate_share:.0%} exact duplicates, {once.bits_per_byte:.2f} bits per byte")

# %% [markdown]
# The bound depends on the compressor. Zstandard looks for repeated bytes and finds few in speech. An audio codec knows that a sample resembles the one before.

# %%
kit.predict("flac", "What share of the bytes does a lossless audio codec (FLAC) leave?", "%")


# %%
def flac_size(samples):
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(samples, np.int16), 8000, format="FLAC")
    return file.tell()


heard = gravity.information_density(sounds, compressed_size=flac_size)
kit.compare("flac", 100 * heard.information_bytes / heard.total_bytes, unit="%")

# %% [markdown]
# A better model of the data gives a tighter bound; the information in the recording did not change. Much of what remains is noise in the low bits. Noise is information to a compressor: the measure does not know what is useful.
#
# Curated sets have few exact duplicates. A crawl has many. Let us make one: every third recording is met a second time.

# %%
kit.predict("gain", "How many times as much information does a byte carry once duplicates go?", "x")

# %%
crawl = sounds + sounds[::3]
messy = gravity.information_density(crawl)
gain = gravity.selection_gain(messy, once)
kit.compare("gain", gain, model=len(crawl) / len(sounds), model_name="records over records")

# %% [markdown]
# The gain is total bytes over distinct bytes. Counting records instead is a little off, for clips differ in length. Deduplication saves this share of transfer, egress and energy, and makes an epoch shorter. The feeding tax stays: it is a ratio of rates and does not know the volume.

# %%
kit.explain("gain", "When would removing duplicates harm a model?")

# %% [markdown]
# ## Many workers: Amdahl's law
#
# If a share `S` of the work cannot be split, `N` workers give a speed-up of `1 / (S + (1 - S) / N)`. The chapter quotes {{stated(19)['perfect']}} cores that reach only {{stated(19)['limited']}} times; that takes {{recomputed(19)['serial']|.1f}} % of serial work. Here, real processes compute a spectrum of each clip. The clips do not depend on each other.

# %%
kit.predict("speedup", "How many times as fast are two processes as one?", "x")

# %%
jobs = measure.scaling(measure.clip_work, clips.paths[:1500])
speedup = jobs[1].over(jobs[2], "two processes against one")
kit.compare("speedup", speedup, model=gravity.amdahl_speedup(0, 2))

# %%
runs = measure.scaling_table(jobs)
serial = min(max(gravity.serial_share(speedup.value, 2), 0.0), 1.0)
runs = runs.with_columns(amdahl=gravity.amdahl_speedup(serial, runs["workers"]))
kit.after("speedup", views.scaling(runs, serial))

# %%
kit.explain("speedup", "No work here is serial. What does the fitted share stand for?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# The fit calls everything serial that is not speed-up: handing out work and collecting results, chunks that end at different times, cores that share memory, other programs on the machine. The share that Karp and Flatt 1990 compute is a symptom, not a cause. And the law does not know how many cores there are: with more processes than cores nothing is gained, whatever the fit promises.
#
# </details>

# %% [markdown]
# ## The coordination tax
#
# To normalise features you need a mean over all nodes. **Gather** sends all data to one node. **Reduce** lets each node sum its own share and send two numbers, sum and count. Without round trips, gathering takes `nodes x (memory rate / network rate + 1)` times as long.
#
# The chapter says {{stated(18)['factor']}} times, for a terabyte on {{assume(100, 'nodes of the example in the chapter')}} nodes. Its own rates give {{recomputed(18)['least']|.0f}} to {{recomputed(18)['factor']|,.0f}}: a node's share takes {{recomputed(18)['fast']}} to {{recomputed(18)['slow']}} s to read from memory, not a hundredth of a second. Measure it with processes as nodes.

# %%
kit.predict("tax", "How many times as long does gathering take, with four processes?", "x")

# %%
nodes, megabytes = 4, 64
gather, reduce = measure.coordination(nodes, megabytes)
network, ram = measure.loopback_throughput(), measure.memory_read()
at_once = min(nodes, measure.machine_facts()["cores"])  # further processes take turns
model = gravity.coordination_tax(nodes * megabytes / 1e3, at_once, network.value, ram.value)
kit.compare("tax", gather.over(reduce, "gather over reduce"), model=model)

# %%
kit.after("tax", kit.show(measure.measurement_table([gather, reduce, network, ram])))

# %%
kit.explain("tax", "Why does this machine differ from the formula? What changes on a cluster?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# The formula assumes that nodes do not disturb each other. Here they share cores and one memory: sender and receiver of the same connection compete, and processes that sum at the same time share the memory's rate. On a cluster each node has its own memory, the network is slower by a decade, and there are more nodes. All three raise the factor. An operation that shrinks data should run where the data lies.
#
# </details>

# %% [markdown]
# ## What the chapter says, recomputed
#
# Numbers in print look certain. Each row was recomputed from its own inputs by the kit; the verdict says whether it holds.

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
