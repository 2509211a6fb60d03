# %% [markdown]
# # Synthetic audio
#
# Recordings are dear, and a program speaks for nothing. What does a spotter learn from clips that nobody ever said? In this lesson you make such clips, change recordings in ways that a room and a microphone do, and train on all of it. Every answer is an accuracy on people that the model never heard.

# %%
import numpy as np
import polars as pl

import kit
from kit import audio, experiments
from kit.audio import augment
from kit.bench import recorded_table
from kit.kws import evaluate, export, stream, train
from kit.views import experiments as views

kit.lesson("03")

# %% [markdown]
# ## What does a copy cost?
#
# The chapter has synthetic clips {{value('synthetic_cheaper')}} times cheaper than recorded ones. That is the price of a clip, and no model learns from prices. If a synthetic clip teaches a share `w` of what a recording does, then
#
# `USD for what one recording teaches = price / w`
#
# and synthesis pays while `w` is above the ratio of the two prices. The price is known. This lesson measures the other half.

# %%
people, notice = experiments.people()
print(notice or f"{len(people.clips)} clips of {len(set(people.speakers))} people")

# %%
made = experiments.synthetic(300)
kit.sound(made.clips[0], caption=f"{made.labels[0]}, {made.speakers[0]}")

# %% [markdown]
# ## Noise at an exact level
#
# A clip becomes many when noise is put under it. How much of it there is, is stated as a **signal-to-noise ratio**: ten times the logarithm of two powers. The power of the speech counts where somebody speaks, or every pause would make the noise weaker.
#
# `SNR = 10 log10(speech power / noise power)`

# %%
kit.predict("share", "At an SNR of 10 dB, what share of the power is noise?", "%")

# %%
word = people.clips[:1]
noise = augment.coloured_noise("pink", word.shape[1], [1])
noisy = augment.add_noise(word, noise, 10.0)
added = (noisy.astype(float) - word).var() / augment.speech_power(word)[0]
kit.compare("share", 100 * added / (1 + added), unit="%", model=100 / (1 + 10**1))

# %%
kit.sound(noisy[0], caption=f"{people.labels[0]}, with pink noise 10 dB below")

# %% [markdown]
# Two inputs have no honest answer. A silent clip has no level that noise could lie below, and noise that is infinitely far below is no noise. Both are errors here, and not a clip that looks as if all were well.

# %%
try:
    augment.add_noise(np.zeros_like(word), noise, 10.0)
except kit.KitError as error:
    print(error)

# %% [markdown]
# ## A room
#
# A microphone in a room hears a word many times: straight, and off every wall. The **reverberation time** RT60 says how long that takes to fall by {{assume(60, 'definition of the reverberation time')}} dB. Sabine counted it from the volume `V` and the area `A` of walls that absorb a share `a`:
#
# `RT60 = 0.161 s/m * V / (a A)`
#
# The simulation mirrors the source in the walls, again and again (Allen and Berkley 1979).

# %%
kit.predict("rt60", "A room of 4 x 3 x 2.5 m whose walls absorb 35 %: what is its RT60?", "s")

# %%
size, absorbed = (4.0, 3.0, 2.5), 0.35
click = augment.walls_impulse_response(size, absorbed)
model = augment.sabine(size, absorbed)
kit.compare("rt60", augment.reverberation_time(click), unit="s", model=model, model_name="Sabine")

# %%
kit.after("rt60", kit.explore("room", clip=word[0]))

# %% [markdown]
# Turn the noise down and the room up: words run into each other, though nothing was added that the speaker did not say. Now move away from the microphone. At some distance the walls are as loud as the speaker, and from there on distance hardly matters.
#
# Sabine assumed that sound comes from everywhere alike. In a small room that absorbs a lot it does not, and the closed form comes out too long. So the kit changes the walls until the time that is measured is the one that was asked for, and refuses a time that the room cannot have.

# %%
try:
    augment.room_impulse_response(size, 5.0)
except kit.KitError as error:
    print(error)

# %% [markdown]
# One augmentation works on features instead. **SpecAugment** hides bands of frames and of coefficients. The chapter describes it as noise, pitch and time, which is another thing: claim 32.

# %%
kit.show_claims("03")

# %% [markdown]
# ## Does it still hear people?
#
# Now a spotter learns from synthetic clips alone. Nobody who is tested ever spoke to it, and it knows hundreds of voices. What share of the words of real people does it get?

# %%
kit.predict("people", "Trained on 300 synthetic clips: what accuracy on people?", "%")

# %%
kit.predict("gain", "And how many points better are as many recordings of other people?", "points")

# %%
mixed = experiments.mix_by_clips(people)
clean = mixed.filter(augment="light", condition="clean").sort("real_share")
only_made, only_real = clean["accuracy_percent"][0], clean["accuracy_percent"][-1]
kit.compare("people", only_made, unit="%")

# %%
kit.compare("gain", only_real - only_made, unit="points")

# %% [markdown]
# Each training saw the same number of clips, one after the other, whatever they were. What was trained once is kept by its content: data, settings, code. Run the cell again, and it takes no time.
#
# ## The mix
#
# Between the two ends lies what everybody does: some recordings, and synthesis on top. First for as many clips, then for as many dollars.

# %%
kit.after(["people", "gain"], views.mix(mixed), kit.show(mixed, "As many clips"))

# %% [markdown]
# Look at the dotted lines: a test in noise, which the clean recordings say nothing about. What a model was never shown, it does not know, whoever spoke.

# %%
dollars = experiments.mix_by_dollars(people)
kit.after(["people", "gain"], views.mix(dollars), kit.show(dollars, "As many dollars"))

# %% [markdown]
# These are short trainings with few speakers, so the lines are rough. The next figure rests on a long run, with every speaker tested in turn, that came with the kit. Your own points, from shorter trainings, are drawn over it. Move the prices until recordings win.

# %%
mine = clean.select("real", "synthetic", "accuracy_percent")
kit.after(["people", "gain"], kit.explore("mix", measured=mine))

# %%
kit.explain("gain", "For which budget would you record nobody? What would have to be true?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# For a small one. A handful of recordings has too few voices to teach the words apart from the people, and synthesis has hundreds. Once there are recordings of several speakers, a synthetic clip mostly repeats what is known, with an accent that nobody has. The lines then run flat, or even down: every model saw equally many clips, and synthetic ones took the place of recordings. So I would synthesise first, measure on people, and spend the rest on people who differ from those I have.
#
# </details>

# %% [markdown]
# ## The gap
#
# Why is a synthetic clip worth less? Ask a machine. A small classifier sees the mean and the spread of each coefficient, and says whether a clip is recorded or synthetic. Its quality is the area under its curve, **AUC**: the chance that it ranks a synthetic clip above a recorded one. {{assume(0.5, 'AUC of a guess')}} is a guess.

# %%
kit.predict("auc", "Two clips, one recorded, one synthetic: how often is it right?", "%")

# %%
apart = experiments.gap(people)
kit.compare("auc", 100 * apart["auc"][0], unit="%")

# %%
kit.after("auc", views.gap(apart), kit.show(apart, "What is done to the synthetic clips"))

# %% [markdown]
# The first row is a giveaway. These people were recorded at {{assume(8, 'kHz of the Free Spoken Digit Dataset, by its registry entry')}} kHz, and a voice with sound above {{8/2|.0f}} kHz can only be the program. A spotter learns such a difference as well, and it is worth nothing. Cutting the band costs a line. Compare what it brings with all the rows below it.
#
# Then comes a surprise. Noise makes the two easier to tell apart, since these recordings are clean, and yet a spotter may need it. A small gap is no aim in itself. What you measure in the end is accuracy, where the device will stand.

# %% [markdown]
# ## Siblings
#
# Augmented copies are siblings: they share a recording. Split a set at random after it was augmented, and most test clips have a sibling in training.

# %%
kit.predict("leak", "How many points too much does such a split promise?", "points")

# %%
split = experiments.leak(people)
random = split.row(by_predicate=pl.col("split") == "random", named=True)
kit.compare("leak", random["too_high_points"], unit="points")

# %%
kit.after("leak", views.leak(split), kit.show(split, "Three splits of the same copies"))

# %% [markdown]
# Lesson 02 found the leak with a linear classifier, for clips that only shared a speaker. Here a spotter says it again, and louder, because copies are nearer to each other than two recordings are. All copies of a recording on one side helps a little. All of a speaker on one side tells the truth, nearly: whoever is left out by chance may be easy or hard.

# %%
kit.explain("leak", "Your set has copies with babble, mixed from other clips. What is a group now?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# Whatever hangs together. A copy with babble holds its own recording and those that it was mixed with, so all of them belong to one group, with everything that they are tied to in turn. With enough babble the whole set becomes one group, and no split is honest. So draw the babble of the training clips from training speakers only: split first, augment then.
#
# </details>

# %% [markdown]
# ## Backfire
#
# More augmentation is not better. Each of these was used alone, and tested twice: on clean recordings of people, and on a device across a small room, with its echo, its microphone and its fan.

# %%
kit.predict("backfire", "Of seven augmentations, how many raise one test and lower the other?", "")

# %%
effects = experiments.backfire(people)
turned = effects.filter(pl.col("clean_points") * pl.col("device_points") < 0)
kit.compare("backfire", turned.height, unit="")

# %%
kit.after("backfire", views.backfire(effects), kit.show(effects, "One augmentation at a time"))

# %% [markdown]
# Top left is what a product wants and a benchmark punishes. Bottom right is the opposite: the number on the slide rises, and the device understands less. Points near the lines may lie on either side in another training; the long run says which stay. There it is speed that backfires.

# %%
long = recorded_table("synthetic", "backfire")
kit.after("backfire", kit.show(long, "The same, all speakers in turn"))

# %% [markdown]
# ## Dollars a point
#
# Fifty recordings are there. What is the next dollar best spent on? The crowd is cheap, but its rooms are loud and {{100*value('market_wrong')|.0f}} % of its labels are wrong.

# %%
bought = experiments.per_point()
views.price(bought)

# %%
kit.show(recorded_table("synthetic", "price"), "The same, in the long run")

# %% [markdown]
# A price a point is stated only where the whole interval lies above zero. In a short run that may be nowhere, and that is an answer too: the difference is smaller than what chance does to a training. In the long run a point from synthesis costs a small part of one from the studio, which has only one speaker. A hundred more clips of the same voice are not what the model lacks. Lab 03 lets you spend {{assume(500, 'dollars, the budget of lab 03')}} dollars.
#
# ## On a stream
#
# Accuracy on clips is a laboratory number. A device hears a stream, mostly without its word. Train on all but two people, then let these two talk.

# %%
tested = sorted(set(people.speakers))[-2:]
own, others = people.by(tested), people.without(tested)
spotter = train.train(*others, epochs=12, validation=None)
said = spotter.says(own.clips)
kit.show(evaluate.accuracy(said, own.labels, own.speakers), "On two people it never heard")

# %%
views.confusion(evaluate.confusion(said, own.labels))

# %%
kit.predict("false", "At a threshold that misses a tenth: how many false accepts an hour?", "per h")

# %%
keyword = "7"
sound = stream.build_stream(own.clips, own.labels.tolist(), keyword, hours=0.25)
scores = stream.slide(spotter.scores, sound)[:, spotter.words.index(keyword)]
curve = stream.trade_off(scores, sound, keyword)
near = curve.sort((pl.col("frr_percent") - 10).abs(), pl.col("threshold")).row(0, named=True)
kit.compare("false", near["fa_per_h"], unit="per h")

# %%
kit.after("false", kit.explore("trade-off", table=curve))

# %% [markdown]
# The budget of one false wake a month lies far to the left, where a stream of this length cannot even look. No threshold of this spotter keeps to it. Ten digits are a hard vocabulary, each as short as the next, and the model was taught ten words and never the silence, the radio, or a word that it does not know. That is what the next recordings should be.
#
# ## Sixty-four kilobytes
#
# A float has four bytes, and the device has {{value('kws_memory')}} kB. **Quantisation** keeps each weight in one byte, with a scale for each channel, and each activation as well. Scales, names and the graph come on top.

# %%
kit.predict("bytes", "How large is the file of this spotter in int8?", "kB")

# %%
import tempfile
from pathlib import Path

path = Path(tempfile.mkdtemp()) / "spotter.onnx"
small = export.export(spotter, path, others.few(200).clips)
weights = spotter.parameters / 1e3
kit.compare("bytes", small.size_bytes / 1e3, unit="kB", model=weights, model_name="weights alone")

# %%
both = export.compare(spotter, small, own.clips, own.labels.tolist())
kit.after("bytes", kit.show(both, "Before and after"))

# %%
kit.after("bytes", kit.show(export.budget(small), "Against the limit"))

# %%
kit.after("bytes", kit.explore("size"))

# %% [markdown]
# Bytes go with the square of the channels, and accuracy does not. In the long run the smallest network loses a few points, and those larger than the default gain none.
#
# The file carries the fingerprint of its features and how they are normalised. Serve it features of another recipe, and it refuses.

# %%
try:
    small.scores(audio.extract(own.clips[:1], "librosa"), "librosa")
except kit.KitError as error:
    print(error)

# %% [markdown]
# ## How far is the target?
#
# The product asks for {{value('kws_accuracy')}} %. The long record has every speaker tested in turn by models that heard the five others.

# %%
views.accuracy(experiments.summary(recorded_table("synthetic", "held-out")))

# %%
kit.explain("bytes", "Which recording would you buy next, and how would you know it was right?")

# %% [markdown]
# <details><summary>One answer. Write yours first.</summary>
#
# People like the one at the bottom of the figure. The mean is made of six men, and the spread between them is wider than anything that an augmentation did. So I would ask who is least like those I have, record a few clips of each, and look at them one by one. Whether it was right, only people tell who were in no training set: I would hold out two of the new ones before I look at anything else.
#
# </details>

# %% [markdown]
# ## Before the lab
#
# Noise at an exact level and rooms make many clips of one. They are siblings, and a split must know it. Synthesis is a good start and a poor end. An augmentation is right where the device stands, not where the benchmark does. And the false accepts an hour are counted on a stream, with an interval. Lab 03 asks you for all of these.

# %% [markdown]
# ## Checkpoint
#
# Five questions, drawn from a pool. Four right answers pass.

# %%
kit.checkpoint("03")

# %%
kit.report()

# %% [markdown]
# Now do [lab 03](../labs/release/lab03_synthetic_audio/lab03_synthetic_audio.ipynb).
