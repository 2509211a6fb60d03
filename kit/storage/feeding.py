"""The bandwidth budget of a device: what it consumes, what storage brings, and who waits.

Rates and counts come from `kit.gravity`; here they are put together for a device, a storage and a
loader. The chapter asks the same GPU for 45.8 GB/s in one section and for 3.8 in another: see
`difference`.
"""

from typing import NamedTuple

import numpy as np

from kit import gravity
from kit.assumptions import value
from kit.errors import KitError
from kit.quantities import quantity, vectorised
from kit.storage.workloads import supply_gbs


class Consumer(NamedTuple):
    """What a device eats. name: text. samples_per_s: of training or inference. bytes_per_sample:
    B, as they come from storage."""

    name: str
    samples_per_s: float
    bytes_per_sample: float

    @property
    def need_gbs(self):
        """GB/s that must arrive so that it never waits."""
        return gravity.required_rate_gbs(self.samples_per_s, self.bytes_per_sample)


def image_bytes(bytes_per_value):
    """Bytes of one decoded ResNet-50 input image at `bytes_per_value` bytes a colour value."""
    return value("image_side") ** 2 * value("image_channels") * bytes_per_value


def clip_bytes():
    """Bytes of one clip of the keyword spotter: 16-bit samples."""
    return value("kws_rate") * value("kws_clip") * 2


def inference_rate():
    """Images/s that an A100 could infer with ResNet-50 at its FP16 peak: an upper bound."""
    return gravity.device_rate(value("a100_fp16"), value("resnet50_forward"))


def training_rate():
    """Images/s that an A100 could train on with ResNet-50 at its FP16 peak: an upper bound."""
    work = value("resnet50_forward") * value("training_factor")
    return gravity.device_rate(value("a100_fp16"), work)


def chapter_consumers():
    """The situations in which the chapter asks for a rate: dict of name -> Consumer."""
    jpeg, decoded = value("jpeg") * 1e3, image_bytes(1)
    found = (
        Consumer("A100, inference, decoded FP32", inference_rate(), image_bytes(value("fp32"))),
        Consumer("A100, training, JPEG", training_rate(), jpeg),
        Consumer("GPU of the loader figure, JPEG", value("loader_gpu"), jpeg),
        Consumer("eight GPUs, decoded bytes", value("imagenet_rate"), decoded),
        Consumer("eight GPUs, JPEG", value("imagenet_rate"), jpeg),
    )
    return {c.name: c for c in found}


def difference(one, other):
    """Why `one` Consumer needs more than `other`: dict of samples, bytes, total (ratios).

    total = samples x bytes. Claims 4 and 5: three times the images, four times the bytes.
    """
    samples = one.samples_per_s / other.samples_per_s
    size = one.bytes_per_sample / other.bytes_per_sample
    return {"samples": samples, "bytes": size, "total": samples * size}


@vectorised(need_gbs="positive", have_gbs="positive", overlap="share")
def waiting_share(need_gbs, have_gbs, overlap=1.0):
    """Share of time, 0 to 1, that the device waits for data.

    A sample takes c on the device and l to load; l / c = need / have. Loading ahead hides a share
    `overlap` of the shorter of the two: 1 is perfect prefetching, and gives gravity.feeding_tax;
    0 is one after the other, where the device waits even if storage is as fast as it is.
    """
    load = need_gbs / have_gbs  # in units of c
    exposed = load - overlap * np.minimum(load, 1.0)
    return exposed / (1.0 + exposed)


@vectorised(samples_per_s="positive", bytes_per_sample="positive", stream_gbs="positive",
            latency_s="nonnegative")  # fmt: skip
def connections_needed(samples_per_s, bytes_per_sample, stream_gbs, latency_s=0.0):
    """Whole connections, each fetching one sample after another, that keep up (Little 1961).

    stream_gbs: GB/s of one connection once bytes flow. latency_s: wait for the first byte of each
    sample, s. The same number of samples is on its way at any time: that is the prefetch buffer.
    """
    one = supply_gbs(bytes_per_sample, stream_gbs, latency_s)
    need = gravity.required_rate_gbs(samples_per_s, bytes_per_sample)
    return gravity.streams_needed(need, one)


@vectorised(needed_columns="count", columns="count", width="positive", other_width="positive")
def useful_share(needed_columns, columns, width=1.0, other_width=1.0):
    """Share of the bytes of whole rows that a reader of some columns needs, 0 to 1.

    width, other_width: mean bytes of a value in a needed, and in another column. The rate that
    counts is that of the disk times this share; a columnar file has a share near 1.
    """
    if (needed_columns > columns).any():
        most = float(np.min(columns))
        raise KitError("more columns are needed than there are", allowed=f"{most:g} or fewer",
                       found=float(np.max(needed_columns)), code="not-possible")  # fmt: skip
    useful = needed_columns * width
    return useful / (useful + (columns - needed_columns) * other_width)


@vectorised(raw_gb="nonnegative", ratio="positive", read_gbs="positive", unpack_gbs="positive",
            cores="count", unlimited=("unpack_gbs",))  # fmt: skip
def packed_epoch_s(raw_gb, ratio, read_gbs, unpack_gbs, cores=1, overlapped=False):
    """Seconds to read compressed data once and unpack it.

    raw_gb: unpacked, GB. ratio: bytes unpacked over packed. read_gbs: of storage. unpack_gbs: of
    one core, in unpacked bytes. overlapped: reading and unpacking at the same time.
    """
    read, unpack = raw_gb / ratio / read_gbs, raw_gb / (unpack_gbs * cores)
    return np.maximum(read, unpack) if overlapped else read + unpack


@vectorised(unlimited=("quick_gbs",), tight_ratio="positive", tight_gbs="positive",
            quick_ratio="positive", quick_gbs="positive", cores="count")  # fmt: skip
def break_even_read_gbs(tight_ratio, tight_gbs, quick_ratio, quick_gbs, cores=1):
    """GB/s of storage below which the tighter codec is the quicker one; 0 if it never is.

    tight_*, quick_*: ratio (unpacked over packed) and GB/s unpacked by one core. Nothing
    overlapped: 1/quick_ratio - 1/tight_ratio bytes less to read against a slower unpacking.
    inf where the tighter codec also unpacks as quickly. No codec: ratio 1, GB/s inf.
    """
    fewer = 1 / quick_ratio - 1 / tight_ratio
    slower = (1 / tight_gbs - 1 / quick_gbs) / cores
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = fewer / slower
    return np.where(fewer <= 0, 0.0, np.where(slower <= 0, np.inf, rate))


def bandwidth_budget(consumer, tiers=None, units=1, random=False, in_flight=1, object_bytes=None,
                     link_gbps=np.inf, workers=None, per_worker=None):  # fmt: skip
    """A Consumer at each Tier: polars table of what it needs, gets, and waits.

    tiers: list of Tier; `chapter_tiers()` if None. units: devices side by side, or connections
    where a tier scales with them. random: each read waits for its first byte. in_flight: reads
    that a device serves at a time (a hard disk one). object_bytes: of a read, B; the sample's if
    None. link_gbps: network before tiers that scale, Gbit/s. workers, per_worker: decoding
    processes and samples/s of one; no limit if None. What an archive takes to restore comes before.
    Columns: tier, unit ("device", "connection"), units, need_gbs, have_gbs, samples_per_s (that
    come through), bound_by ("device", "storage", "decoding"), waits_overlapped (share of time, all
    stages at once), waits_serial (read, decode, compute in turn), units_needed (null where the
    network is too slow for any number).
    """
    import polars as pl

    from kit.storage.tiers import listed

    units = int(quantity("units", units, "count"))
    link = quantity("link_gbps", link_gbps, "positive", unlimited=True).item() / 8
    size = consumer.bytes_per_sample if object_bytes is None else object_bytes
    decoded = np.inf if workers is None else gravity.loader_rate(workers, per_worker)
    rows = []
    for tier in listed(tiers):
        wait = tier.latency_s if random else 0.0
        lanes = 1 if tier.one_arm or tier.scales else in_flight
        one = supply_gbs(size, tier.stream_gbs, wait, lanes, tier.stream_gbs)
        most = link if tier.scales else np.inf
        have = min(units * one, most)
        rows.append({"tier": tier.name, "unit": "connection" if tier.scales else "device",
                     "units": units, **_balance(consumer, have, decoded),
                     "units_needed": int(gravity.streams_needed(consumer.need_gbs, one))
                     if most >= consumer.need_gbs else None})  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _balance(consumer, have, decoded):
    """dict: what comes through of `have` GB/s and `decoded` samples/s, and who waits."""
    need, size = consumer.need_gbs, consumer.bytes_per_sample
    rates = {"device": consumer.samples_per_s, "storage": have * 1e9 / size, "decoding": decoded}
    bound = min(rates, key=rates.get)
    ahead = min(rates["storage"], decoded) * size / 1e9
    in_turn = size / 1e9 / (1 / rates["storage"] + 1 / decoded)
    return {
        "need_gbs": need, "have_gbs": have, "samples_per_s": rates[bound], "bound_by": bound,
        "waits_overlapped": waiting_share(need, ahead),
        "waits_serial": waiting_share(need, in_turn, 0.0),
    }  # fmt: skip
