"""train: a Spotter from labelled clips, with whole speakers kept apart to judge it by.

Needs torch; uses the GPU where there is one.
"""

import contextlib
import copy
import math
from dataclasses import dataclass

import numpy as np

from kit.audio import tables
from kit.audio.features import as_spec, extract
from kit.errors import KitError
from kit.frontend import show_progress
from kit.kws.model import Normaliser, Spotter, build, needed

VALIDATION_SHARE = 0.2  # of the speakers, at least one
_PATIENCE = 0.4  # of all epochs without a better one: stop


@dataclass(frozen=True)
class Settings:
    """What may be turned; the defaults were chosen as docs/benchmarks/kws-accuracy-notes.md says.

    channels, blocks, kernel: see SpotterNetwork. batch: clips. rate: highest learning rate, met
    after a tenth of the epochs and lowered to 0 along a cosine. decay: of weights (AdamW).
    smoothing: share of a label given to all words alike. mix: share of batches in which clips and
    their labels are mixed in pairs (Zhang et al. 2018). bend: how much the tempo changes on the
    way, see `bent`. warp: how much the length of the vocal tract varies, see `warps`. memory: of
    the running mean of the weights, which is what is kept.
    """

    channels: int = 64
    blocks: int = 4
    kernel: int = 7
    batch: int = 64
    rate: float = 4e-3
    decay: float = 0.02
    smoothing: float = 0.1
    mix: float = 0.5
    bend: float = 0.25
    warp: float = 0.15
    memory: float = 0.98


def train(clips, labels, speakers, spec="kws", seed=0, epochs=30, augment="light",
          validation="auto", words=None, settings=None, progress=None):  # fmt: skip
    """A Spotter trained on `clips`, int16[n, samples], with n `labels` and n `speakers`.

    spec: FeatureSpec or name of a preset; features are made anew each epoch from augmented clips.
    augment: name of a preset of kit.audio.augment, an Augmenter, or another function (clips, ids,
    epoch, seed) -> int16[n, samples], where ids are the places of the clips; None for none.
    validation: speakers whose clips do not train but choose the best epoch: "auto" for every
    fifth one by seed, at least one; or their names; or None: all train, the last epoch counts.
    words: to be told apart; by default the labels that occur. settings: Settings.
    progress: show a bar; by default where a person looks on.

    Normalisation statistics come from the clips that train. The same arguments give the same
    weights on one machine. `history` of the result: epoch (from 1), loss, validation_loss,
    validation_accuracy (null without validation), kept (true for the epoch of the weights).
    Raises KitError: "labels", "no-honest-split" (one speaker), "no-example" (a word without a
    training clip), "unknown-speaker".
    """
    torch = needed()
    spec, settings = as_spec(spec), settings or Settings()
    labels, speakers = (np.array([str(x) for x in given]) for given in (labels, speakers))
    _check(clips, labels, speakers, epochs)
    held = _held_out(speakers, validation, seed)
    words = tuple(sorted(set(labels.tolist()))) if words is None else tuple(words)
    target = _targets(words, labels, held)
    with torch.random.fork_rng(), _deterministic(torch):
        torch.manual_seed(seed)
        run = _Run(clips[~held], target[~held], spec, seed, _augmenter(augment), settings,
                   len(words), epochs)  # fmt: skip
        judge = _Judge(clips[held], target[held], spec, run.normaliser) if held.any() else None
        network, rows = _fit(run, judge, epochs, progress)
    return Spotter(words, spec, run.normaliser, network, run.shape, _table(rows))


def _augmenter(augment):
    """Function (clips, ids, epoch, seed) -> clips for what `train` takes as `augment`."""
    if augment is None:
        return lambda clips, ids, epoch, seed: clips
    if callable(augment):
        return augment
    from kit.audio.augment import preset

    return preset(augment)


class _Run:
    """The training itself: one network, its optimiser, and the running mean of its weights."""

    def __init__(self, clips, target, spec, seed, augment, settings, words, epochs):
        import torch

        self.clips, self.target, self.spec, self.seed = clips, target, spec, seed
        self.augment, self.settings, self.words = augment, settings, words
        self.ids = np.arange(len(clips))
        self.normaliser = Normaliser.of(extract(clips, spec), spec)
        self.warps = warps(spec, settings.warp)
        self.shape = {"coeffs": spec.coeffs, "words": words, "channels": settings.channels,
                      "blocks": settings.blocks, "kernel": settings.kernel}  # fmt: skip
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = build(self.shape).to(self.device)
        self.mean = copy.deepcopy(self.network).eval()
        self.steps = epochs * max(len(clips) // settings.batch, 1)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, weight_decay=settings.decay, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._rate)
        self.step = 0

    def epoch(self, number):
        """Train on each clip about once; the mean loss."""
        rng = np.random.default_rng([self.seed, number])
        clips = self.augment(self.clips, self.ids, number, self.seed)
        x = extract(clips, self.spec)
        if self.settings.warp:
            x = x @ self.warps[rng.integers(len(self.warps), size=len(x))]
        x = bent(self._masked(self.normaliser(x, self.spec), number), self.settings.bend, rng)
        order, size = rng.permutation(len(x)), self.settings.batch
        self.network.train()
        whole = max(len(x) // size, 1)  # the rest comes in another epoch
        rows = (order[i * size : (i + 1) * size] for i in range(whole))
        return float(np.mean([self._learn(x[r], self.target[r], rng) for r in rows]))

    def _masked(self, x, number):
        """With the masks of an Augmenter that has some."""
        if getattr(self.augment, "time_masks", 0) or getattr(self.augment, "frequency_masks", 0):
            return self.augment.mask(x, self.ids, number, self.seed)
        return x

    def _learn(self, x, target, rng):
        import torch
        from torch.nn.functional import cross_entropy, one_hot

        x = torch.from_numpy(x).to(self.device)
        wanted = one_hot(torch.from_numpy(target), self.words).float().to(self.device)
        if self.settings.mix:
            x, wanted = _mixed(x, wanted, self.settings.mix, rng)
        loss = cross_entropy(self.network(x), wanted, label_smoothing=self.settings.smoothing)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        self._remember(torch)
        return loss.item()

    def _remember(self, torch):
        """Move the running mean of weights and statistics; soon at first, slowly later."""
        self.step += 1
        keep = min(self.settings.memory, self.step / (self.step + 10))
        own = self.network.state_dict()
        with torch.no_grad():
            for name, value in self.mean.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(own[name], 1 - keep)

    def _rate(self, step):
        """Share of the highest rate: up for a tenth of the steps, then down a cosine."""
        warm = max(self.steps // 10, 1)
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(self.steps - warm, 1), 1)))


def warps(spec, most, steps=41):
    """float32[steps, coeffs, coeffs]: features @ one of these has another vocal tract length.

    Frequencies are stretched by a factor from 1 / (1 + most) to 1 + most; the logarithms of the
    bands are read between their centres (Jaitly and Hinton 2013), seen through the DCT.
    """
    low, high = tables.hz_to_mel([spec.fmin, spec.fmax], spec.mel_scale)
    bands = np.arange(spec.mels)
    mels = low + (high - low) * (bands + 1) / (spec.mels + 1)
    hertz = tables.mel_to_hz(mels, spec.mel_scale)
    dct = tables.dct_matrix(spec)[: spec.coeffs]
    found = []
    for factor in np.exp(np.linspace(-1, 1, steps) * np.log1p(most)):
        at = np.interp(tables.hz_to_mel(hertz * factor, spec.mel_scale), mels, bands)
        read = np.maximum(1 - np.abs(at[:, None] - bands), 0)  # two neighbours, by distance
        found.append((dct @ read @ np.linalg.pinv(dct)).T)
    return np.array(found, np.float32)


def bent(features, most, rng, pieces=5):
    """Copy of float32[n, frames, coeffs] whose tempo changes on the way: the ends stay in place.

    Time is cut into equal pieces; each clip has them stretched by factors from exp(-most) to
    exp(most), drawn evenly in the logarithm by `rng`.
    """
    n, frames = features.shape[:2]
    lengths = np.exp(rng.uniform(-most, most, (n, pieces)))
    ends = np.cumsum(np.pad(lengths, ((0, 0), (1, 0))), 1)
    ends *= (frames - 1) / ends[:, -1:]
    place = np.linspace(0, pieces, frames)
    piece = np.minimum(place.astype(int), pieces - 1)
    start, width = ends[:, piece], (ends[:, 1:] - ends[:, :-1])[:, piece]
    at = start + width * (place - piece)
    before = np.minimum(at.astype(int), frames - 2)
    share = (at - before)[..., None].astype(np.float32)
    rows = np.arange(n)[:, None]
    return features[rows, before] * (1 - share) + features[rows, before + 1] * share


class _Judge:
    """Judges a network by clips of speakers that it was not trained on."""

    def __init__(self, clips, target, spec, normaliser):
        self.x, self.target = normaliser(extract(clips, spec), spec), target

    def __call__(self, network, device):
        """(loss, accuracy)."""
        import torch

        with torch.inference_mode():
            logits = network(torch.from_numpy(self.x).to(device)).cpu()
        known = self.target >= 0
        target = torch.from_numpy(self.target[known])
        loss = torch.nn.functional.cross_entropy(logits[torch.from_numpy(known)], target)
        return float(loss), float((logits.argmax(1).numpy() == self.target).mean())


def _fit(run, judge, epochs, progress):
    """(network, rows): the mean network of the best epoch, and the history."""
    from tqdm.auto import tqdm

    shown = show_progress() if progress is None else progress
    rows, best, network = [], (-1.0, 0.0), None
    bar = tqdm(range(1, epochs + 1), unit="epoch", disable=not shown, leave=False)
    for number in bar:
        loss = run.epoch(number)
        off, accuracy = judge(run.mean, run.device) if judge else (None, None)
        rows.append({"epoch": number, "loss": loss, "validation_loss": off,
                     "validation_accuracy": accuracy, "kept": False})  # fmt: skip
        bar.set_postfix({k: f"{v:.3f}" for k, v in rows[-1].items() if isinstance(v, float)})
        reached = (accuracy, -off) if judge else (float(number), 0.0)
        if reached > best:
            best, network, kept = reached, copy.deepcopy(run.mean), number
        if number - kept >= max(_PATIENCE * epochs, 5):
            break
    rows[kept - 1]["kept"] = True
    return network.cpu(), rows


def _mixed(x, wanted, share, rng):
    """Pairs of clips and their labels, mixed by a random weight, in `share` of the batches."""
    if rng.random() >= share:
        return x, wanted
    other, weight = rng.permutation(len(x)), float(rng.beta(0.4, 0.4))
    weight = max(weight, 1 - weight)
    return weight * x + (1 - weight) * x[other], weight * wanted + (1 - weight) * wanted[other]


def _held_out(speakers, validation, seed):
    """bool[n]: which clips belong to the speakers kept for validation."""
    known = sorted(set(speakers))
    if validation is None:
        return np.zeros(len(speakers), bool)
    if len(known) < 2:
        raise KitError(
            "no honest split: there is one speaker only",
            found=known[0],
            allowed="clips of two speakers or more",
            remedy="add a speaker, or train with validation=None and judge by other clips",
            code="no-honest-split",
        )
    if validation == "auto":
        count = max(1, round(VALIDATION_SHARE * len(known)))
        chosen = np.random.default_rng([seed, len(known)]).choice(known, count, replace=False)
    else:
        chosen = {validation} if isinstance(validation, str) else set(validation)
    unknown = set(chosen) - set(known)
    if unknown or not chosen or set(chosen) == set(known):
        raise KitError(
            "these speakers cannot be held out",
            found=sorted(chosen),
            allowed=f"some, not all, of {', '.join(known)}",
            code="unknown-speaker",
        )
    return np.isin(speakers, list(chosen))


def _targets(words, labels, held):
    """int[n]: place of each label in `words`; every word must have a clip that trains."""
    lacking = sorted(set(words) - set(labels[~held].tolist()))
    if lacking or len(set(words)) < 2:
        raise KitError(
            "a word has no training clip" if lacking else "there is nothing to tell apart",
            found=lacking or words,
            allowed="two words or more, each said by a speaker who trains",
            remedy="add clips, leave the word out, or hold out other speakers with validation=",
            code="no-example",
        )
    odd = sorted(set(labels.tolist()) - set(words))
    if odd:
        raise KitError(
            "labels hold what is no word", found=odd, allowed=", ".join(words), code="labels"
        )
    place = {word: i for i, word in enumerate(words)}
    return np.array([place[label] for label in labels])


def _check(clips, labels, speakers, epochs):
    shape = getattr(clips, "shape", ())
    if len(shape) != 2 or clips.dtype != np.int16:
        found, allowed = f"{getattr(clips, 'dtype', type(clips))}{shape}", "int16[n, samples]"
        raise KitError("clips are not an array of clips", found=found, allowed=allowed,
                       remedy="take them from kit.corpus.waveforms", code="audio")  # fmt: skip
    if not len(clips) == len(labels) == len(speakers):
        raise KitError(
            "clips, labels and speakers do not go together",
            found=f"{len(clips)} clips, {len(labels)} labels, {len(speakers)} speakers",
            allowed="a label and a speaker for each clip",
            code="labels",
        )
    if epochs != int(epochs) or epochs < 1:
        raise KitError("epochs is not possible", found=epochs, allowed="1 or more", code="epochs")


@contextlib.contextmanager
def _deterministic(torch):
    """The same sums in the same order, on the GPU too.

    One thread: layers this small only wait for a second one, and where another program keeps a
    core busy they wait ten times as long.
    """
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    threads = torch.get_num_threads()
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
        torch.set_num_threads(threads)


def _table(rows):
    import polars as pl

    floats = dict.fromkeys(("loss", "validation_loss", "validation_accuracy"), pl.Float64)
    return pl.DataFrame(rows, schema={"epoch": pl.Int64} | floats | {"kept": pl.Boolean})
