# %% [markdown]
# # Feature extraction
#
# A keyword spotter does not hear sound. It reads a small table of numbers that a program made of it. Training makes that table millions of times, the device makes it all day long, and both must make the same one. This lesson follows a clip through every step, counts what the steps cost, and measures what happens when two programs disagree in one setting.

# %%
import numpy as np
import polars as pl

import kit
from kit import audio, corpus, experiments, measure
from kit.audio import cost, reference, skew
from kit.bench import peers, recorded
from kit.kws import train
from kit.views import features as views

kit.lesson("04")

# %% [markdown]
# ## A clip of your choice
#
# The recordings come first; without a network a small sample takes their place, and a notice says so.

# %%
recordings = corpus.recordings("fsdd")
recordings

# %% [markdown]
# Put another number into the brackets, or the path of a recording of your own. Reading it takes named steps only: decode, mix to mono, resample to {{value('kws_rate')}} Hz, cut or fill up to {{value('kws_clip')}} s. Nothing is made louder on the way.

# %%
path = recordings.paths[1234 % len(recordings.paths)]
clip = audio.fit(corpus.read_sound(path), 16_000)
kit.sound(clip, caption=path.name)

# %%
wav = audio.read_wav(path)
print(wav.samples.dtype, wav.samples.shape, f"{wav.rate} Hz, {wav.bits} bit, {wav.seconds:.2f} s")

# %% [markdown]
# ## From samples to coefficients
#
# 1. **Frames.** Speech changes slowly, so it is cut into short windows that overlap.
# 2. **Spectrum.** Each frame is faded in and out by a window function: cut out hard, a tone would leak into every bin. The squared magnitude of its Fourier transform is the power in each bin.
# 3. **Mel bands.** The ear tells low tones apart better than high ones. Triangles that grow wider upwards add the bins to bands.
# 4. **Logarithm.** Twice the power does not sound twice as loud. And a change of gain becomes a shift, above the floor.
# 5. **DCT.** Neighbouring bands say nearly the same. A cosine transform puts what they share into the first coefficients, and the rest is dropped. Convolutional nets often skip this step and read the bands.
#
# One `FeatureSpec` holds every setting. The whole lesson uses the preset `kws`.

# %%
spec = audio.preset("kws")
spec

# %%
steps = reference.stages(clip, spec)
{name: values.shape for name, values in steps.items()}

# %% [markdown]
# A clip of {{value('kws_clip')}} s has {{cost.bytes_per_clip(audio.preset('kws'), 16000)[0]/1e3}} kB. Predict what its features weigh, as float32, before the figure tells you.

# %%
kit.predict("bytes", "What share of the bytes do the features have?", "%")

# %%
kit.after("bytes", kit.explore("features", clip=clip))

# %% [markdown]
# Make the window long: harmonics part into lines, and a plosive smears. Make it short: the other way round. Raise the hop, and bytes and work fall together. Raise the bands beyond what the FFT can tell apart, and the lowest bands stay empty.

# %% [markdown]
# ## What it costs
#
# Now all recordings, and the closed form beside them: four bytes for each coefficient of each frame, over two bytes for each sample.

# %%
table = corpus.load_clips("folder", recordings.folder).table
clips = corpus.waveforms(table[: min(3000, table.height)])
features = audio.extract(clips, spec)
read, written = cost.bytes_per_clip(spec, 16_000)
share = 100 * features.nbytes / clips.nbytes
kit.compare("bytes", share, unit="%", model=100 * written / read)

# %% [markdown]
# Work is counted in floating-point operations. A fast Fourier transform of `N` real points takes about `2.5 N log2 N` of them. That is how such programs are compared, whether or not they really do so many.

# %%
work = cost.operations_per_clip(spec, 16_000)
steps_table = pl.DataFrame({"step": work.keys(), "work_mflop": [x / 1e6 for x in work.values()]})
kit.after("bytes", kit.show(steps_table, "Operations for one clip"))

# %% [markdown]
# On a device the same steps run in fixed point, on a processor a thousand times slower, every few milliseconds. The answer can come no earlier than a window and a hop after the sound. So a spec for a device may not look ahead: no frames centred on samples that have not come yet, and no floor below the loudest value of a clip that has not ended.

# %% [markdown]
# ## The roofline
#
# A machine has two ceilings: operations a second, and bytes a second. Which one you hit depends on the **intensity** of the work, the operations for each byte moved (Williams, Waterman and Patterson 2009):
#
# `clips/s <= min(arithmetic / operations per clip, memory / bytes per clip)`
#
# The ceilings are measured, not looked up: a matrix product for arithmetic, a copy for memory.

# %%
kit.predict("rate", "How many clips of a second can this machine turn into features?", "clips/s")

# %%
cores = measure.machine_facts()["cores"]
arithmetic, memory = measure.matrix_product(), measure.memory_copy(threads=cores)
model, limit = cost.roofline(spec, 16_000, arithmetic.value, 2 * memory.value)
batch = np.resize(clips, (2000, 16_000))
runs = measure.time_runs(lambda: audio.extract(batch, spec, "cpu"), seconds=2)
rate = measure.Measurement.of("features, all cores", len(batch) / np.array(runs), "clips/s")
kit.compare("rate", rate, model=model, model_name="roofline")

# %%
intensity = sum(work.values()) / (read + written)
ceilings = pl.DataFrame(
    {
        "machine": ["this machine, measured", "one H200, data sheet"],
        "gflops": [arithmetic.value, kit.assumptions.value("h200_fp32")],
        "gbs": [2 * memory.value, kit.assumptions.value("h200_memory")],
    }
)
here = rate.value * sum(work.values()) / 1e9
marks = pl.DataFrame({"name": ["kit, here"], "intensity": [intensity], "gflops": [here]})
kit.after("rate", views.roofline(ceilings, marks))

# %%
kit.explain("rate", "Which ceiling is near, and why does a good program stay below it?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# The work has about {{sum(cost.operations_per_clip(audio.preset('kws'), 16000).values())/sum(cost.bytes_per_clip(audio.preset('kws'), 16000))|.0f}} operations for each byte, so on most machines arithmetic is the ceiling. A matrix product comes close to it because every addition has a multiplication to go with, in one instruction. A Fourier transform mostly adds. It also moves its numbers around between the stages, and the frames must be put side by side before all lanes of the processor can work. None of that counts as an operation, and all of it takes time.
#
# </details>

# %% [markdown]
# ## How the others do
#
# The same features, made with a library for Fourier transforms and two matrix products, in batches and on all cores. This is how most pipelines do it.

# %%
kit.predict("peer", "How many times as fast is the kit as SciPy with matrix products?", "x")

# %%
scipy_way = peers.scipy_rfft()
small = batch[: peers.BATCH]
gap = np.abs(scipy_way(small) - audio.extract(small, spec, "reference")).max()
their_runs = measure.time_runs(lambda: scipy_way(small), seconds=1)
theirs = measure.Measurement.of("SciPy", len(small) / np.array(their_runs), "clips/s")
print(f"largest difference to the reference: {gap:.1e}")
kit.compare("peer", rate.over(theirs, "kit over SciPy"))

# %% [markdown]
# They give the same features, but not by the same work. A matrix product multiplies by the zeros of the filter bank too: {{98*2*40*257/1e6|.1f}} MFLOP a clip instead of {{cost.operations_per_clip(audio.preset('kws'), 16000)['mel']/1e6|.2f}}. And each step of the plain program writes its result to memory for the next one to read.
#
# The kit gives every lane of the processor's vectors a frame of its own, so that one instruction works on eight or sixteen of them. It takes these frames through all steps while they lie in the cache, and only then the next ones.
#
# The figure shows a recorded run of `kit bench features`, with more peers, on the machine that its title names.

# %%
record = recorded("features")[0]
recorded_rates = views.rates(pl.DataFrame(record["rows"]))
recorded_rates.update_layout(title_text=f"{record['machine']}, {record['when'][:10]}")
kit.after("peer", recorded_rates)

# %% [markdown]
# ## All of MSWC
#
# The Multilingual Spoken Words Corpus has {{value('mswc_clips')/1e6}} million clips and {{value('mswc_gb')}} GB. How long does this machine take to make all its features, if something hands it the samples fast enough?

# %%
kit.predict("mswc", "How many minutes take the features of all clips of MSWC here?", "min")

# %%
mswc = kit.assumptions.value("mswc_clips")
minutes = measure.Measurement.of("MSWC, features", mswc * np.array(runs) / len(batch) / 60, "min")
kit.compare("mswc", minutes, model=mswc / model / 60, model_name="roofline")

# %% [markdown]
# Beside it, the time to bring the samples, and what one GPU could do at most by its data sheet. Where a GPU was measured, its recorded rate joins the table.

# %%
size_gb = kit.assumptions.value("mswc_gb")
gpu_most, _ = cost.roofline(spec, 16_000, *ceilings.row(1)[1:])
seconds = {
    "features, this machine, measured": mswc / rate.value,
    "features, one H200, roofline of its data sheet": mswc / gpu_most,
    "samples from an NVMe disk": size_gb / kit.assumptions.value("nvme"),
    "samples from an object store": size_gb / kit.assumptions.value("object_store_stream"),
    "samples over the bus to a GPU": size_gb / kit.assumptions.value("pcie5"),
}
for gpu in recorded("features-gpu")[:1]:
    best = max(row["clips_per_s"] for row in gpu["rows"])
    seconds[f"features, {gpu['device']}, recorded"] = mswc / best

# %%
rows = sorted(seconds.items(), key=lambda row: row[1])
times = pl.DataFrame(rows, schema=["what", "time_s"], orient="row")
kit.after("mswc", kit.show(times, "All of MSWC"))

# %% [markdown]
# A fast kernel moves the bottleneck; it does not remove it. From which rate on is the disk what you wait for?
#
# <details><summary>The answer</summary>
#
# From {{value('mswc_clips')/(value('mswc_gb')/value('nvme'))/1e3|.0f}} thousand clips a second on, for an NVMe disk of {{value('nvme')}} GB/s. That is data gravity again.
#
# </details>

# %% [markdown]
# ## Training-serving skew
#
# A model is trained on features from one program and served features from another. Each is right by its own documentation. If they differ in one switch, the model sees sounds that nobody made.
#
# The distance between two feature arrays is given in decibels for each band, so that it can be compared with something you know: how much a word differs when it is said again.
#
# A distance says that two programs differ. Only a model can say whether it matters. The keyword spotter of lesson 03 learns from most of the speakers, and the others are served to it: people that it never heard, in features that it does not expect.

# %%
people, _ = experiments.people()
unseen = sorted(set(people.speakers))[-2:]
served = people.by(unseen).few(400)
spotter = train.train(*people.without(unseen), spec, epochs=8, validation=None)
same = spotter.accuracy(served.clips, served.labels)
print(f"{same:.0%} of {len(served.clips)} words right, same spec")

# %%
kit.predict("skew", "The server uses the slaney mel scale, training htk. How far apart?", "dB")

# %%
kit.predict("loss", "How many points of accuracy does that cost?", "points")

# %%
def judge(features):
    """A careless server: claims the right spec, and cuts what is too much."""
    return spotter.accuracy(features[..., : spec.coeffs], served.labels, spec)


skewed = skew.skew_table(served.clips, spec, judge)
slaney = skewed.row(by_predicate=pl.col("switch") == "mel scale: slaney for htk", named=True)
kit.compare("skew", slaney["distance_db"], unit="dB")

# %%
kit.compare("loss", 100 * same - slaney["accuracy_percent"], unit="points")

# %%
said = [f"{a} {b}" for a, b in zip(people.labels, people.speakers, strict=True)]
pairs = np.array([i for i in range(len(said) - 1) if said[i] == said[i + 1]])[:500]
one, other = (audio.extract(people.clips[rows], spec) for rows in (pairs, pairs + 1))
again = skew.distance_db(one, other, spec)
picture, listed = views.skew(skewed, again, 100 * same), kit.show(skewed, "One switch each")
kit.after(["skew", "loss"], picture, listed)

# %% [markdown]
# Distance is not damage. A switch moves every clip the same way, off the places where the model learned that words lie. A repetition moves features farther and does no harm: the model saw many of those.
#
# Blue switches are in the spec. Its **fingerprint** changes with every one of them, travels with every feature table and every model, and a mix-up is refused by name:

# %%
served = spec.changed(mel_scale="slaney")
try:
    spec.require(served, "the features of this request")
except kit.KitError as error:
    print(error)

# %% [markdown]
# Orange switches are in the sound. The recipe is the same, so no fingerprint helps. A quieter microphone, or a source of lower rate, shows only in the statistics of what arrives. The lesson on drift is about them.
#
# A fingerprint names the recipe that a program claims. Whether it follows it, only stored clips with stored features show: ten of them in the tests of both programs.
#
# Mind what hides in the averages. Recordings are filled up with silence. Two recipes agree about it, unless it is the floor or the unit that differs: those rows mostly measure silence. These recordings have a rate of {{assume(8, 'kHz of the Free Spoken Digit Dataset, by its registry entry')}} kHz to begin with, so that the switch "a recording of {{8}} kHz" finds little left to remove.

# %%
kit.explain("skew", "Which of these would your tests catch, which your monitoring, which neither?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# Stored clips with stored features, compared in the build of both programs, catch every blue switch, whatever the fingerprint claims. They catch no orange one, for they do not pass the microphone. Level, bandwidth and band energies of incoming sound show a softer microphone and a source of lower rate, if somebody looks at them for each device. What neither catches is a change that moves few statistics and many answers: that needs labelled samples from the field.
#
# The cure for a level is to make it harmless: take the mean of each coefficient off, over the clip or over the last seconds (cepstral mean normalisation), or divide each band by its own running average (per-channel energy normalisation, Wang 2017). Or train with random gain.
#
# </details>

# %% [markdown]
# ## The same bytes every time
#
# A feature must depend on its clip and on nothing else: not on the batch it travels in, not on the number of workers, not on who comes before. Then features can be cached under the hash of clip and spec, and made again after a crash.

# %%
some = clips[::10]
alone = np.concatenate([audio.extract(one[None], spec) for one in some])
backwards = audio.extract(some[::-1], spec)[::-1]
[x.tobytes() == features[::10].tobytes() for x in (alone, backwards)]

# %% [markdown]
# Another backend rounds elsewhere. Its bytes differ, its values hardly. The same holds for another kind of processor. So the key of a cache names both, and a test between backends has a tolerance with a reason: float32 rounds relative to the loudest bin of a frame, and the logarithm shows that in the faint ones.

# %%
exact = audio.extract(some, spec, "reference")
print(f"largest difference to the reference: {np.abs(exact - alone).max():.1e}")

# %% [markdown]
# Not every library keeps this promise. A floor that lies so many decibels below the loudest value **of the batch** gives a clip other features in other company. Here the same clip goes alone, and beside one of ten times its amplitude:

# %%
quiet = (some[:1] * 0.1).astype(np.int16)
floor_spec = audio.preset("librosa", dct="none", coeffs=128, top_db=None)
together = audio.extract(np.concatenate([quiet, some[:1]]), floor_spec)
own, shared = (np.maximum(together[0], x.max() - 80) for x in (together[:1], together))
print(f"values that the company changes: {(own != shared).mean():.0%}")

# %% [markdown]
# ## What the chapter says, recomputed

# %%
kit.show_claims("04")

# %% [markdown]
# ## Checkpoint
#
# Five questions, drawn from a pool. Four right answers pass.

# %%
kit.checkpoint("04")

# %%
kit.report()

# %% [markdown]
# Now do [lab 04](../labs/release/lab04_feature_extraction/lab04_feature_extraction.ipynb).
