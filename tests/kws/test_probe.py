"""The linear stand-in learns what is linear, and says what it is given."""

import numpy as np
import pytest

from kit import audio, corpus
from kit.errors import KitError
from kit.kws.probe import LinearProbe


@pytest.fixture
def words():
    """Two words as constant features with noise: [200, 5, 3] and their labels."""
    rng = np.random.default_rng(0)
    labels = ["yes" if i % 2 else "no" for i in range(200)]
    levels = np.array([1.0 if label == "yes" else -1.0 for label in labels])
    return levels[:, None, None] + rng.normal(0, 1, (200, 5, 3)), labels


def test_it_learns_and_a_sign_turns_every_answer(words):
    features, labels = words
    probe = LinearProbe(features[:150], labels[:150], ridge=1.0)
    assert probe.accuracy(features[150:], labels[150:]) > 0.95
    assert probe.accuracy(-features[150:], labels[150:]) < 0.05


def test_a_feature_without_any_spread_does_no_harm(words):
    features, labels = words
    features[..., 0] = 7.0
    assert LinearProbe(features, labels).accuracy(features, labels) > 0.9


def test_other_shapes_are_cut_or_filled_up(words):
    features, labels = words
    probe = LinearProbe(features, labels)
    wider = np.pad(features, ((0, 0), (0, 2), (0, 1)), constant_values=99)
    assert probe.says(wider) == probe.says(features)
    assert len(probe.says(features[:, :2, :2])) == 200


def test_labels_that_do_not_fit_are_refused(words):
    features, labels = words
    for bad in (labels[:-1], ["yes"] * 200):
        with pytest.raises(KitError, match="do not go together"):
            LinearProbe(features, bad)


def test_digits_by_speakers_it_knows(fsdd):
    """What lesson 04 says of it: most words right, and fewer under another mel scale."""
    table = corpus.load_clips("fsdd", fsdd, progress=False).table
    clips, labels = corpus.waveforms(table), np.array(table["label"].to_list())
    test = np.arange(len(labels)) % 10 == 0
    features = audio.extract(clips, "kws")
    probe = LinearProbe(features[~test], labels[~test].tolist())
    same = probe.accuracy(features[test], labels[test].tolist())
    slaney = audio.extract(clips[test], audio.preset("kws", mel_scale="slaney"))
    assert same > 0.88
    assert probe.accuracy(slaney, labels[test].tolist()) < same - 0.2
