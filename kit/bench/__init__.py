"""`kit bench`: how fast the kit itself is, measured."""

import json
import re
from datetime import UTC, datetime

from kit.errors import KitError
from kit.paths import root


def record(name, rows):
    """What `--json` prints and docs/benchmarks keeps: rows with machine, versions and time."""
    from kit.measure.machine import commit, machine_facts, machine_name

    return {
        "benchmark": name,
        "machine": machine_name(),
        "commit": commit(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": machine_facts()["versions"],
        "rows": rows,
    }


def keep(found):
    """Write a record to docs/benchmarks, named after benchmark and machine; returns the path.

    found: dict of `record`. A record of the same benchmark and machine is replaced.
    """
    machine = found.get("device") or found["machine"]
    slug = re.sub(r"[^a-z0-9]+", "-", f"{found['benchmark']} {machine}".lower()).strip("-")
    path = root() / "docs" / "benchmarks" / f"{slug}.json"
    path.write_text(_text(found) + "\n", encoding="utf-8")
    return path


def _text(found):
    """JSON with a line for each value, and one for a whole list of plain values."""
    flat = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")
    return flat.sub(lambda m: "[" + re.sub(r"\n\s*", " ", m[1]) + "]", json.dumps(found, indent=1))


def need_recordings(notice):
    """Raises KitError "no-data" if a notice says that voices stand for people."""
    if notice:
        raise KitError("the record needs the recordings", found=notice,
                       remedy="kit data fetch fsdd", code="no-data")  # fmt: skip


def recorded(name):
    """Records of benchmark `name` kept in docs/benchmarks: list of dict, newest first."""
    files = (root() / "docs" / "benchmarks").glob("*.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return sorted((r for r in found if r["benchmark"] == name), key=lambda r: r["when"])[::-1]


def recorded_rows(name, kind):
    """Rows of one kind in the newest record of benchmark `name` that has them: list of dict.

    Raises KitError "no-record" where none is kept.
    """
    for found in recorded(name):
        if rows := [row for row in found["rows"] if row["kind"] == kind]:
            return [{k: v for k, v in row.items() if k != "kind"} for row in rows]
    raise KitError(
        f"no measurement of the kind {kind} is kept",
        found="no such row in docs/benchmarks",
        allowed=f'a record of the benchmark "{name}" with rows of this kind',
        remedy=f"measure it: kit bench {name} --save",
        code="no-record",
    )


def recorded_table(name, kind):
    """The rows of `recorded_rows` as polars table."""
    import polars as pl

    return pl.DataFrame(recorded_rows(name, kind), infer_schema_length=None)
