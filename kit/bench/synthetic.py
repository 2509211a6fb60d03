"""What `kit bench synthetic` records: accuracy on unseen speakers, and what changes it.

Rows are dicts that name their `kind`. Every training is kept by its content, so a run that was
stopped goes on where it was.
"""

import os
import tempfile
from pathlib import Path

from kit.bench import need_recordings
from kit.errors import KitError
from kit.experiments import FULL, accuracy, gap, leak, mix, price, runs, treatments
from kit.experiments.takes import people
from kit.experiments.takes import synthetic as spoken_digits

SEEDS = (0, 1, 2)
FEW, MADE, FEW_EPOCHS = 50, 1950, 30
SIZES = ((24, 2, 7), (32, 3, 7), (48, 3, 7), (64, 4, 7), (64, 6, 9), (80, 4, 7))
SIZE_TESTED = ("jackson", "nicolas", "theo")
SIZE_EPOCHS = 30
KEYWORD, STREAM_H, STREAM_TESTED = "7", 4.0, ("theo", "yweweler")


def synthetic(parts=None, workers=None):
    """Rows of the parts named in PARTS, all by default: list of dict.

    workers: processes, one a core by default. Raises KitError where the recordings are not here.
    """
    unknown = set(parts or ()) - set(PARTS)
    if unknown:
        raise KitError("no such part", found=sorted(unknown), allowed=", ".join(PARTS),
                       code="unknown")  # fmt: skip
    everybody, notice = people()
    need_recordings(notice)
    if workers:
        os.environ[runs.WORKERS] = str(workers)
    return [{"kind": name} | row for name in parts or PARTS for row in PARTS[name](everybody)]


def as_text(rows):
    """The rows as one table a kind."""
    import polars as pl

    kinds = dict.fromkeys(row["kind"] for row in rows)
    with pl.Config(tbl_rows=60, tbl_cols=14, tbl_width_chars=140):
        parts = {kind: [r for r in rows if r["kind"] == kind] for kind in kinds}
        tables = [pl.DataFrame(part, infer_schema_length=None) for part in parts.values()]
        return "\n".join(f"{kind}\n{t}" for kind, t in zip(parts, tables, strict=True))


def _held_out(everybody):
    return accuracy.held_out_speakers(everybody, seeds=SEEDS).to_dicts()


def _few(everybody):
    """50 recordings alone, a quarter as many passes: more of them learn nothing new."""
    how = {"epochs": FEW_EPOCHS * (FEW + MADE) // FEW // 4}
    return accuracy.held_out_speakers(everybody, how, SEEDS, FEW).to_dicts()


def _few_mixed(everybody):
    made, how = spoken_digits(MADE), {"epochs": FEW_EPOCHS}
    return accuracy.held_out_speakers(everybody, how, SEEDS, FEW, made).to_dicts()


def _grid(everybody):
    table = mix.mix_grid(everybody, FULL)
    return [
        {"real": r["real"], "synthetic": r["synthetic"], "accuracy": r["accuracy_percent"] / 100,
         "low": r["low_percent"] / 100, "high": r["high_percent"] / 100, "speakers": r["speakers"]}
        for r in table.to_dicts()
    ]  # fmt: skip


def _size(everybody):
    """Accuracy and int8 file of networks of several sizes."""
    from kit.kws.train import Settings

    rows = []
    for channels, blocks, kernel in SIZES:
        settings = Settings(channels=channels, blocks=blocks, kernel=kernel)
        how = {"settings": settings, "epochs": SIZE_EPOCHS}
        table = accuracy.held_out_speakers(everybody, how, tested=SIZE_TESTED)
        mean = accuracy.summary(table).row(-1, named=True)
        rows.append({"channels": channels, "blocks": blocks, "kernel": kernel,
                     "file_bytes": _file_bytes(everybody, settings),
                     "accuracy": mean["accuracy_percent"] / 100, "low": mean["low_percent"] / 100,
                     "high": mean["high_percent"] / 100})  # fmt: skip
    return rows


def _file_bytes(everybody, settings):
    """Bytes of the exported file; how well it was trained does not matter for that."""
    from kit.kws.export import export
    from kit.kws.train import train

    some = everybody.few(min(300, len(everybody.clips)))
    spotter = train(*some, epochs=1, augment=None, settings=settings, validation=None)
    with tempfile.TemporaryDirectory() as folder:
        return export(spotter, Path(folder) / "model.onnx", some.clips).size_bytes


def _spotter(everybody):
    """The exported spotter: accuracy before and after, bytes, latency; then its "trade-off"."""
    from kit.kws import stream
    from kit.kws.export import budget, compare, export
    from kit.kws.train import train

    own, test = everybody.without(STREAM_TESTED), everybody.by(STREAM_TESTED)
    spotter = train(*own, epochs=accuracy.EPOCHS, validation=None, progress=False)
    with tempfile.TemporaryDirectory() as folder:
        small = export(spotter, Path(folder) / "model.onnx", own.few(200).clips)
        rows = [{"part": "model"} | r for r in
                compare(spotter, small, test.clips, test.labels.tolist()).to_dicts()]  # fmt: skip
        rows += [{"part": "memory", "what": r["part"]} | {k: r[k] for k in ("bytes", "limit_bytes")}
                 for r in budget(small).to_dicts()]  # fmt: skip
        sound = stream.build_stream(test.clips, test.labels.tolist(), KEYWORD, STREAM_H)
        scores = stream.slide(small.scores, sound)[:, small.words.index(KEYWORD)]
    table = stream.trade_off(scores, sound, KEYWORD)
    about = {"kind": "trade-off", "keyword": KEYWORD}
    return rows + [about | row for row in table.to_dicts()]


PARTS = {
    "held-out": _held_out,
    "few": _few,
    "few-mixed": _few_mixed,
    "grid": _grid,
    "spotter": _spotter,
    "size": _size,
    "dollars": lambda p: mix.mix_by_dollars(p, size=FULL).to_dicts(),
    "gap": lambda p: gap.gap(p, FULL).to_dicts(),
    "leak": lambda p: leak.leak(p, FULL).to_dicts(),
    "backfire": lambda p: treatments.backfire(p, FULL).to_dicts(),
    "price": lambda p: price.per_point(FULL).to_dicts(),
    "clips": lambda p: mix.mix_by_clips(p, FULL).to_dicts(),
}
