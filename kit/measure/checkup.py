"""One look at the machine: facts and all probes."""

from kit.errors import KitError
from kit.frontend import show_progress
from kit.measure import decode, disk, memory, network
from kit.measure.machine import machine_facts
from kit.measure.record import measurement_table
from kit.numbers import heading

_PROBES = (
    ("memory copy", memory.memory_copy),
    ("memory read", memory.memory_read),
    ("disk, sequential", disk.disk_sequential),
    ("disk, random", disk.disk_random),
    ("small files", disk.open_cost),
    ("loopback rate", network.loopback_throughput),
    ("loopback latency", network.loopback_latency),
    ("WAV decode", decode.wav_decode),
    ("Parquet decode", decode.parquet_decode),
)


def probe_all(progress=None):
    """Run every probe, about 10 s: (list of Measurement, list of (probe, reason it failed)).

    progress: show a bar; by default where one can be seen.
    """
    from tqdm.auto import tqdm

    progress = show_progress() if progress is None else progress

    done, failed = [], []
    for name, probe in tqdm(_PROBES, desc="probes", disable=not progress, leave=False):
        try:
            result = probe()
        except (KitError, OSError, MemoryError) as error:
            failed.append((name, str(error) or type(error).__name__))
            continue
        done += result if isinstance(result, list) else [result]
    return done, failed


class Doctor:
    """Facts and Measurements of this machine; shows itself in a notebook or a terminal.

    Attributes: facts (dict, see machine_facts), measurements (list), failed (list of pairs),
    table (polars DataFrame of the measurements).
    """

    def __init__(self, progress=None):
        self.facts = machine_facts()
        self.measurements, self.failed = probe_all(progress)

    @property
    def table(self):
        return measurement_table(self.measurements)

    def as_dict(self):
        """Plain dict for JSON: facts, measurements, failed."""
        return {
            "facts": self.facts,
            "measurements": [m.as_dict() for m in self.measurements],
            "failed": [{"probe": name, "reason": reason} for name, reason in self.failed],
        }

    def __str__(self):
        known = {k: v for k, v in self.facts.items() if v is not None and k != "versions"}
        facts = [f"{heading(key)}: {value}" for key, value in known.items()]
        lines = facts + [""] + [str(m) for m in self.measurements]
        return "\n".join(lines + [f"{name}: not measured. {why}" for name, why in self.failed])

    __repr__ = __str__

    def _repr_html_(self):
        from kit.views.html import facts_and_measurements

        return facts_and_measurements(self.facts, self.measurements, self.failed)


def doctor(progress=None):
    """Facts and about ten measurements of this machine, in about 10 s; see Doctor."""
    return Doctor(progress)
