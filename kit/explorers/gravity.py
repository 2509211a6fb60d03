"""Explorers of the lesson on data gravity: what to move, what feeds, what chokes, what it costs."""

import numpy as np
import polars as pl

from kit import gravity
from kit.assumptions import value as _value
from kit.claims.gravity import inference_need_gbs, training_need_gbs
from kit.explorers.base import Control, Explorer
from kit.numbers import human_time, plural, shown, si
from kit.views import gravity as views

_LINKS = (
    ("home DSL", "link_dsl"),
    ("cable", "link_cable"),
    ("1 Gbit/s", "link_gigabit"),
    ("10 Gbit/s", "ethernet_slow"),
    ("100 Gbit/s", "ethernet_fast"),
    ("400 Gbit/s", "link_400"),
)
_STORAGE = (
    ("hard disk", "hdd"),
    ("cloud disk", "cloud_disk"),
    ("SATA SSD", "sata"),
    ("NVMe SSD", "nvme"),
    ("memory", "ram_slow"),
)
_WORKERS = 24
_RESULT_GB = 1.0  # what comes home when the code moves: a model


def _move(volume_gb, job_h, extra_usd_per_h):
    named = [(name, _value(key)) for name, key in _LINKS]
    curve = np.geomspace(0.01, 1000, 60)
    table = pl.DataFrame(
        {
            "link": [name for name, _ in named] + [None] * len(curve),
            "link_gbps": [rate for _, rate in named] + curve.tolist(),
        }
    )
    link = table["link_gbps"].to_numpy()
    egress, wait = _value("egress"), _value("tpu_v4_hour")
    terms = {"link_gbps": link, "usd_per_gb": egress, "wait_usd_per_h": wait, "compute_h": job_h}
    data = gravity.move_data_usd(volume_gb, here_usd_per_h=0.0, **terms)
    code = gravity.move_code_usd(_RESULT_GB, there_usd_per_h=extra_usd_per_h, **terms)
    edge = gravity.break_even_volume_gb(
        here_usd_per_h=0.0, there_usd_per_h=extra_usd_per_h, result_gb=_RESULT_GB, **terms
    )
    return table.with_columns(
        named=pl.col("link").is_not_null(),
        volume_gb=pl.lit(float(volume_gb)),
        hours=gravity.transfer_time_s(volume_gb, link) / 3600,
        data_usd=data,
        code_usd=code,
        break_even_gb=edge,
        cheaper=np.where(data <= code, "move the data", "move the code"),
    )


def _move_summary(table):
    links = table.filter("named")
    volume = links["volume_gb"][0]
    cable = links.row(by_predicate=pl.col("link") == "1 Gbit/s", named=True)
    to_data = links.filter(pl.col("cheaper") == "move the data").height
    return (
        f"{shown(volume)} GB over 1 Gbit/s take {human_time(cable['hours'] * 3600)}. "
        f"Moving the data is cheaper on {to_data} of {links.height} links; on 1 Gbit/s the "
        f"break-even lies at {shown(cable['break_even_gb'])} GB."
    )


def _move_rows(table):
    return table.filter("named").select(
        "link", "hours", "data_usd", "code_usd", "break_even_gb", "cheaper"
    )


def _feed(tflops, gflop_per_sample, kb_per_sample):
    named = [(name, _value(key)) for name, key in _STORAGE]
    curve = np.geomspace(0.05, 200, 80)
    table = pl.DataFrame(
        {
            "storage": [name for name, _ in named] + [None] * len(curve),
            "storage_gbs": [rate for _, rate in named] + curve.tolist(),
        }
    )
    storage = table["storage_gbs"].to_numpy()
    need = gravity.required_rate_gbs(
        gravity.device_rate(tflops, gflop_per_sample), kb_per_sample * 1e3
    )
    return table.with_columns(
        named=pl.col("storage").is_not_null(),
        need_gbs=pl.lit(need),
        busy_yours=100 * (1 - gravity.feeding_tax(need, storage)),
        busy_training=100 * (1 - gravity.feeding_tax(training_need_gbs(), storage)),
        busy_inference=100 * (1 - gravity.feeding_tax(inference_need_gbs(), storage)),
    )


def _feed_summary(table):
    need = table["need_gbs"][0]
    cloud = table.row(by_predicate=pl.col("storage") == "cloud disk", named=True)
    streams = gravity.streams_needed(need, _value("object_store_stream"))
    return (
        f"This device needs {shown(need)} GB/s. A cloud disk keeps it busy "
        f"{shown(cloud['busy_yours'])} % of the time; an object store would need "
        f"{plural(streams, 'parallel stream')}."
    )


def _feed_rows(table):
    return table.filter("named").drop("named", "need_gbs")


def _choke(workers, per_worker, consumer):
    count = np.arange(1, _WORKERS + 1)
    disk = _value("loader_disk")
    loader = gravity.loader_rate(count, per_worker, disk)
    delivered = np.minimum(loader, consumer)
    limit = np.where(
        loader >= consumer, "device", np.where(count * per_worker > disk, "disk", "workers")
    )
    return pl.DataFrame(
        {
            "workers": count, "loader": loader, "consumer": np.full(len(count), float(consumer)),
            "delivered": delivered, "busy": 100 * delivered / consumer, "limit": limit,
            "chosen": count == workers, "per_worker": np.full(len(count), float(per_worker)),
        }
    )  # fmt: skip


def _choke_summary(table):
    you = table.row(by_predicate=pl.col("chosen"), named=True)
    per_worker = you["per_worker"]
    wanted = int(gravity.workers_needed(you["consumer"], per_worker))
    disk = _value("loader_disk")
    if you["consumer"] <= disk:
        advice = f"it takes {plural(wanted, 'worker')} to feed it fully"
    else:
        advice = f"no number of workers feeds it: the disk stops at {shown(disk)} samples/s"
    return (
        f"With {plural(you['workers'], 'worker')} the device is busy {shown(you['busy'])} % of the "
        f"time, limited by the {you['limit']}. At {shown(per_worker)} samples/s each, {advice}."
    )


def _choke_rows(table):
    return table.drop("chosen", "per_worker")


def _energy(unit, reference, volume_gb):
    column = "pj_per_bit" if unit == "bit" else "pj_per_word"
    return gravity.energy_ladder(reference).with_columns(
        pj=pl.col(column),
        joule=float(volume_gb) * 8e9 * 1e-12 * pl.col("pj_per_bit"),
        unit=pl.lit(unit),
        volume_gb=pl.lit(float(volume_gb)),
        reference=pl.lit(reference),
    )


def _energy_summary(table):
    joule = dict(zip(table["level"], table["joule"], strict=True))
    ratio = dict(zip(table["level"], table["ratio"], strict=True))
    reference, volume = table["reference"][0], shown(table["volume_gb"][0])
    others = [x for x in ("DRAM", "data-centre network") if x != reference]
    names = {"DRAM": "DRAM", "data-centre network": "the data-centre network"}
    ratios = " and ".join(f"{names[x]} costs {shown(ratio[x])} times" for x in others)
    return (
        f"Bit for bit, {ratios} as much as one {reference}. Reading {volume} GB from DRAM takes "
        f"{si(joule['DRAM'], 'J')}, sending it through the data-centre network "
        f"{si(joule['data-centre network'], 'J')}."
    )


def _energy_rows(table):
    return table.select("level", "pj", "ratio", "joule", "as_stated", "source")


_LEVELS = tuple(gravity.energy_ladder()["level"])

EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "gravity",
            "Move the data, or move the code?",
            (
                Control("volume_gb", "data", "GB", 2000.0, "log", 1, 1e7),
                Control("job_h", "work on it, all runs", "h", 100.0, "log", 1, 10_000),
                Control("extra_usd_per_h", "compute there costs more", "USD/h",
                        _value("tpu_v4_hour"), "log", 0.1, 1000),
            ),
            _move, views.code_or_data, _move_summary, _move_rows,
        ),
        Explorer(
            "feeding",
            "The feeding tax",
            (
                Control("tflops", "device", "TFLOP/s", _value("a100_fp16"), "log", 1, 2000),
                Control("gflop_per_sample", "work", "GFLOP/sample", _value("resnet50_forward"),
                        "log", 0.01, 1000),
                Control("kb_per_sample", "size", "kB/sample", _value("jpeg"), "log", 1, 10_000),
            ),
            _feed, views.feeding, _feed_summary, _feed_rows,
        ),
        Explorer(
            "choke",
            "The data loader choke point",
            (
                Control("workers", "workers", "", 6, "whole", 1, _WORKERS),
                Control("per_worker", "one worker", "samples/s", _value("loader_worker"), "log",
                        10, 10_000),
                Control("consumer", "device takes", "samples/s", _value("loader_gpu"), "log",
                        100, 30_000),
            ),
            _choke, views.choke_point, _choke_summary, _choke_rows,
        ),
        Explorer(
            "energy",
            "Energy of computing and of moving",
            (
                Control("unit", "energy per", "", "bit", "choice", options=("bit", "32-bit word")),
                Control("reference", "compared with", "", "FP32 multiply", "choice",
                        options=_LEVELS),
                Control("volume_gb", "volume moved", "GB", 1000.0, "log", 1, 1e7),
            ),
            _energy, views.energy, _energy_summary, _energy_rows,
        ),
    )
}  # fmt: skip
