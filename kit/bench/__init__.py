"""`kit bench`: how fast the kit itself is, measured."""

import json
from datetime import UTC, datetime

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


def recorded(name):
    """Records of benchmark `name` kept in docs/benchmarks: list of dict, newest first."""
    files = (root() / "docs" / "benchmarks").glob("*.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    return sorted((r for r in found if r["benchmark"] == name), key=lambda r: r["when"])[::-1]
