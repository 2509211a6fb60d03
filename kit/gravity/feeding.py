"""Feeding an accelerator: the rate it needs, the rate it gets, the time it idles."""

import numpy as np

from kit.quantities import vectorised


@vectorised(tflops="positive", gflop_per_sample="positive", utilisation="fraction")
def device_rate(tflops, gflop_per_sample, utilisation=1.0):
    """Samples/s a device consumes: peak rate (TFLOP/s) x utilisation / work (GFLOP a sample).

    With utilisation 1 this is an upper bound: real training reaches 0.3 to 0.6 of a peak.
    """
    return tflops * 1e3 * utilisation / gflop_per_sample


@vectorised(samples_per_s="nonnegative", bytes_per_sample="positive")
def required_rate_gbs(samples_per_s, bytes_per_sample):
    """GB/s that must arrive so that `samples_per_s` of `bytes_per_sample` (B) never wait."""
    return samples_per_s * bytes_per_sample / 1e9


@vectorised(required_gbs="positive", storage_gbs="nonnegative")
def feeding_tax(required_gbs, storage_gbs):
    """Share of time, 0 to 1, that the device waits: 1 - storage / required, never below 0."""
    return 1.0 - np.minimum(storage_gbs / required_gbs, 1.0)


@vectorised(required_gbs="nonnegative", stream_gbs="positive")
def streams_needed(required_gbs, stream_gbs):
    """Whole number of parallel streams of `stream_gbs` (GB/s) that carry `required_gbs`."""
    return _ceil(required_gbs / stream_gbs)


@vectorised(
    workers="count", per_worker="positive", disk_limit="positive", unlimited=("disk_limit",)
)
def loader_rate(workers, per_worker, disk_limit=np.inf):
    """Samples/s of a data loader: workers x rate of one, until the disk allows no more."""
    return np.minimum(workers * per_worker, disk_limit)


@vectorised(consumer="positive", per_worker="positive")
def workers_needed(consumer, per_worker):
    """Workers, whole, whose joint rate (samples/s) keeps up with `consumer` (samples/s).

    More do not help; fewer starve it. A disk limit below `consumer` makes any number too few.
    """
    return np.maximum(_ceil(consumer / per_worker), 1.0)


@vectorised(
    samples="nonnegative",
    bytes_per_sample="nonnegative",
    read_gbs="positive",
    open_s="nonnegative",
    decode_s="nonnegative",
    unlimited=("read_gbs",),
)
def epoch_time_s(samples, bytes_per_sample, read_gbs, open_s=0.0, decode_s=0.0):
    """Seconds to read every sample once with one reader, nothing overlapped.

    samples x (open + bytes / rate + decode). samples: number of records. bytes_per_sample: B.
    read_gbs: sequential rate, GB/s. open_s: fixed cost a record (open, stat, seek), s; 0 for
    records inside one file. decode_s: CPU time a record, s.
    """
    return samples * (open_s + bytes_per_sample / (read_gbs * 1e9) + decode_s)


def _ceil(ratio):
    # 3.8 / 0.1 is a hair above 38 in binary; that must stay 38
    return np.ceil(ratio * (1 - 1e-12))
