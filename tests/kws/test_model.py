"""The spotter learns, says the same again, keeps its speakers apart and knows its own features."""

import json
import subprocess
import sys

import numpy as np
import pytest

from kit import audio, corpus
from kit.errors import KitError

torch = pytest.importorskip("torch")

from kit.kws import train as training  # noqa: E402
from kit.kws.model import Normaliser, Spotter  # noqa: E402
from kit.kws.train import Settings, bent, train, warps  # noqa: E402

TINY = Settings(channels=8, blocks=1, batch=8)
RATE = 16_000


def tones(speakers=4, each=16, seed=0):
    """Clips of a low or a high tone in noise, their labels, and who "said" them."""
    rng = np.random.default_rng(seed)
    labels = ["low", "high"] * (speakers * each // 2)
    who = [f"s{i // each}" for i in range(speakers * each)]
    hertz = np.where(np.array(labels) == "low", 400, 1500) * rng.uniform(0.8, 1.25, len(labels))
    t = np.arange(RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * hertz[:, None] * t) * (abs(t - 0.5) < 0.2)
    return audio.to_int16(sound + rng.normal(0, 0.01, sound.shape)), labels, who


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small only wait for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def words():
    return tones()


@pytest.fixture(scope="module")
def spotter(words):
    """Trained on three speakers; s3 chose the epoch."""
    return train(*words, epochs=6, augment=None, validation="s3", settings=TINY)


def weights(spotter):
    return b"".join(x.numpy().tobytes() for x in spotter.network.state_dict().values())


def test_it_learns_and_its_scores_are_probabilities(spotter):
    clips, labels, _ = tones(seed=1)
    scores = spotter.scores(clips)
    assert scores.shape == (64, 2)
    assert scores.dtype == np.float32
    assert np.allclose(scores.sum(1), 1, atol=1e-5)
    assert spotter.words == ("high", "low")
    assert spotter.says(clips) == [spotter.words[i] for i in scores.argmax(1)]
    assert spotter.accuracy(clips, labels) > 0.95
    assert spotter.accuracy(clips, ["other"] * 64) == 0
    assert "2 words" in repr(spotter)


def test_the_same_seed_gives_the_same_bytes(words, spotter):
    state = torch.random.get_rng_state()
    again = train(*words, epochs=6, augment=None, validation="s3", settings=TINY)
    assert weights(again) == weights(spotter)
    assert torch.equal(torch.random.get_rng_state(), state)  # nobody else's dice are touched
    other = train(*words, epochs=6, augment=None, validation="s3", settings=TINY, seed=1)
    assert weights(other) != weights(spotter)


def test_a_clip_scores_the_same_alone_and_in_any_batch(words, spotter):
    clips = words[0]
    few = spotter.scores(clips[:3])
    louder = np.concatenate([clips[:3], np.full((5, RATE), 9000, np.int16)])
    assert np.allclose(spotter.scores(louder)[:3], few, atol=1e-6)


def test_normalisation_knows_the_training_clips_alone(words):
    """Whatever the held-out speaker says, the model is the same."""
    clips, labels, who = words
    told = [train(clips, labels, who, epochs=1, augment=None, validation="s3", settings=TINY)]
    noise = np.random.default_rng(5).integers(-9000, 9000, clips.shape, np.int16)
    changed = np.where((np.array(who) == "s3")[:, None], noise, clips)
    told.append(train(changed, labels, who, epochs=1, augment=None, validation="s3", settings=TINY))
    assert np.array_equal(told[0].normaliser.mean, told[1].normaliser.mean)
    assert np.array_equal(told[0].normaliser.scale, told[1].normaliser.scale)
    assert weights(told[0]) == weights(told[1])
    assert np.array_equal(told[0].scores(clips), told[1].scores(clips))


def test_normalised_features_ignore_level_and_have_the_spread_of_the_training_clips(words):
    clips, spec = words[0] // 4, audio.preset("kws")
    features = audio.extract(clips, spec)
    normaliser = Normaliser.of(features, spec)
    normal = normaliser(features, spec)
    assert np.allclose(normal.mean((0, 1)), 0, atol=0.1)
    assert np.allclose(normal.std((0, 1)), 1, atol=0.1)
    assert np.allclose(normaliser(audio.extract(clips * 3, spec), spec), normal, atol=0.05)
    silent = normaliser(audio.extract(np.zeros((1, RATE), np.int16), spec), spec)
    assert np.isfinite(silent).all()


def test_the_best_epoch_is_kept_and_the_rest_is_spared(words, monkeypatch):
    told = iter([0.5, 0.7, 0.9, 0.9, 0.8] + [0.6] * 20)
    losses = iter([1.0, 1.0, 0.8, 0.7, 0.1] + [0.1] * 20)
    seen = []

    def judged(self, network, device):
        seen.append(network.last.weight.detach().numpy().copy())
        return next(losses), next(told)

    monkeypatch.setattr(training._Judge, "__call__", judged)
    spotter = train(*words, epochs=20, augment=None, validation="s3", settings=TINY)
    history = spotter.history
    assert history.filter("kept")["epoch"].to_list() == [4]  # the loss decides between equals
    assert np.array_equal(spotter.network.last.weight.detach().numpy(), seen[3])
    assert not np.array_equal(seen[3], seen[4])
    assert history.height == 4 + 8
    assert history["epoch"].to_list() == list(range(1, 13))
    assert history["validation_accuracy"][:3].to_list() == [0.5, 0.7, 0.9]


def test_without_validation_all_speakers_train_to_the_end(words):
    heard = []

    def augment(clips, ids, epoch, seed):
        heard.append((len(clips), len(set(ids)), epoch, seed))
        return clips

    spotter = train(*words, epochs=3, seed=7, augment=augment, validation=None, settings=TINY)
    assert heard == [(64, 64, 1, 7), (64, 64, 2, 7), (64, 64, 3, 7)]
    assert spotter.history["validation_accuracy"].null_count() == 3
    assert spotter.history["kept"].to_list() == [False, False, True]
    assert spotter.history["loss"].is_sorted(descending=True)


def test_a_held_out_speaker_is_neither_heard_nor_augmented(words):
    heard = []
    spotter = train(*words, epochs=1, settings=TINY,
                    augment=lambda clips, *_: heard.append(clips) or clips)  # fmt: skip
    assert len(heard[0]) == 48  # "auto" holds one of four speakers out
    own = [{c.tobytes() for c in words[0][i : i + 16]} for i in range(0, 64, 16)]
    missing = [s for s in own if not s & {c.tobytes() for c in heard[0]}]
    assert len(missing) == 1
    assert spotter.history["validation_accuracy"].null_count() == 0


def test_a_file_holds_all_of_the_model(spotter, words, tmp_path):
    path = tmp_path / "spotter.npz"
    spotter.save(path)
    again = Spotter.load(path)
    assert np.array_equal(again.scores(words[0]), spotter.scores(words[0]))
    assert (again.words, again.spec, again.parameters) == (
        spotter.words, spotter.spec, spotter.parameters,
    )  # fmt: skip
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first


def test_bad_files_are_refused_with_the_reason(spotter, tmp_path):
    path = tmp_path / "spotter.npz"
    spotter.save(path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(KitError, match="not a whole model file") as refused:
            Spotter.load(path)
        assert refused.value.code == "bad-model"
        assert "train and save it anew" in str(refused.value)
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    path.write_bytes(broken)
    with pytest.raises(KitError, match="not a whole model file"):
        Spotter.load(path)
    with pytest.raises(KitError, match="no such file"):
        Spotter.load(tmp_path / "nothing.npz")
    np.savez(path, a=np.zeros(3))
    with pytest.raises(KitError, match="about"):
        Spotter.load(path)
    np.savez(path, about=np.array([{"a": object()}], dtype=object))  # code is never run
    with pytest.raises(KitError, match="not a whole model file"):
        Spotter.load(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "kit spotter 99"}, "format"),
        ({"fingerprint": "0" * 12}, "another definition"),
        ({"spec": {"rate": 16_000, "mels": 1}}, "mels"),
        ({"words": ["high", "low", "more"]}, "3 words for 2 scores"),
    ],
)
def test_a_file_of_another_kind_is_refused(spotter, tmp_path, change, match):
    path = tmp_path / "spotter.npz"
    spotter.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"])) | change
    np.savez(path, **arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(KitError, match=match):
        Spotter.load(path)


def test_features_of_another_spec_are_refused(spotter, words):
    clips, spec = words[0][:4], audio.preset("kws")
    features = audio.extract(clips, spec)
    assert np.array_equal(spotter.scores(features, spec="kws"), spotter.scores(clips))
    with pytest.raises(KitError, match="mel_scale: 'slaney' instead of 'htk'") as refused:
        spotter.scores(features, spec=spec.changed(mel_scale="slaney"))
    assert refused.value.code == "fingerprint"
    with pytest.raises(KitError, match="without the spec"):
        spotter.scores(features)
    with pytest.raises(KitError, match="not its features"):
        spotter.scores(features[..., :12], spec=spec)
    with pytest.raises(KitError, match="do not go together"):
        spotter.accuracy(clips, ["low"])


def test_what_cannot_be_trained_is_refused(words):
    clips, labels, who = words
    odd = [f"{a}-{b}" if b == "s2" else a for a, b in zip(labels, who, strict=True)]
    cases = [
        ((clips, labels, ["s0"] * 64), {}, "no honest split"),
        ((clips, labels, who), {"words": ["low", "high", "more"]}, "no training clip.*more"),
        ((clips, odd, who), {"validation": "s2"}, "no training clip.*low-s2"),
        ((clips, ["low"] * 64, who), {}, "nothing to tell apart"),
        ((clips, odd, who), {"words": ["low", "high"], "validation": "s2"}, "no word"),
        ((clips, labels[:-1], who), {}, "do not go together"),
        ((clips.astype(np.float32), labels, who), {}, "array of clips.*float32"),
        ((clips, labels, who), {"validation": "nobody"}, "cannot be held out.*s0, s1"),
        ((clips, labels, who), {"validation": ["s0", "s1", "s2", "s3"]}, "cannot be held out"),
        ((clips, labels, who), {"epochs": 0}, "epochs"),
        ((clips, labels, who), {"augment": "strange"}, "strange"),
    ]
    for given, options, match in cases:
        with pytest.raises(KitError, match=f"(?s){match}"):
            train(*given, settings=TINY, **options)


def test_without_torch_the_message_says_what_to_install():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\nfrom kit.kws.train import train\n"
        "try: train(np.zeros((2, 16000), np.int16), ['a', 'b'], ['x', 'y'])\n"
        "except ValueError as fault: print(fault)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs torch" in done.stdout
    assert "pip install" in done.stdout


@pytest.mark.parametrize("dct", ["ortho", "none"])
def test_a_warp_moves_a_peak_of_the_spectrum_by_its_factor(dct):
    spec = audio.preset("kws", mels=40, coeffs=40, dct=dct)
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    features = audio.extract(audio.to_int16(0.3 * tone[None]), spec)
    table = warps(spec, 0.25, steps=5)
    assert np.allclose(features @ table[2], features, atol=1e-3)
    basis = audio.tables.dct_matrix(spec)
    low, high = audio.tables.hz_to_mel([spec.fmin, spec.fmax], spec.mel_scale)
    for matrix, factor in ((table[0], 1.25), (table[4], 0.8)):
        peak = (features @ matrix @ basis)[0].mean(0).argmax()
        mel = low + (high - low) * (peak + 1) / 41
        hertz = audio.tables.mel_to_hz(mel, spec.mel_scale)
        assert hertz == pytest.approx(1000 * factor, rel=0.06)


def test_the_network_fits_the_memory_of_the_design():
    clips, _, who = tones(2, 4)
    spotter = train(clips, [str(i % 4) for i in range(8)], who, epochs=1, augment=None)
    assert 14_000 <= spotter.parameters <= 45_000  # int8: a byte each, 4 for a bias


def test_digits_of_a_speaker_it_never_heard(fsdd):
    """A linear probe reaches 45 % here, and one that mixes up rows of labels 10 %."""
    table = corpus.load_clips("fsdd", fsdd, progress=False).table
    table = table.filter(table["source_id"].str.contains("_1?[0-9]$"))  # 20 of each digit
    clips, labels = corpus.waveforms(table), np.array(table["label"].to_list())
    who = np.array(table["speaker"].to_list())
    test = who == "theo"
    spotter = train(clips[~test], labels[~test], who[~test], epochs=8, augment=None,
                    validation=None)  # fmt: skip
    assert spotter.accuracy(clips[test], labels[test].tolist()) > 0.6


def test_bent_features_keep_their_ends_and_their_order():
    rng = np.random.default_rng(0)
    ramp = np.broadcast_to(np.arange(98, dtype=np.float32)[None, :, None], (5, 98, 3))
    out = bent(ramp, 0.25, rng)
    assert out.shape == ramp.shape
    assert out.dtype == np.float32
    assert np.allclose(out[:, 0], 0)
    assert np.allclose(out[:, -1], 97, atol=1e-3)
    assert (np.diff(out, axis=1) > 0).all()  # never backwards
    assert np.abs(out - ramp).max() > 2
    slopes = np.diff(out, axis=1)
    assert slopes.max() / slopes.min() < np.exp(4 * 0.25) + 0.1
    assert not np.allclose(out[0], out[1])
    assert np.allclose(bent(ramp, 0.0, rng), ramp, atol=1e-4)
