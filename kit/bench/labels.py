"""What `kit bench labels` records: raters made of spotters, plans, questions asked, wrong labels.

Rows are dicts that name their `kind`. Every training is kept by its content, so a run that was
stopped goes on where it was.
"""

from kit.bench import need_recordings
from kit.bench.synthetic import as_text as synthetic_text
from kit.errors import KitError
from kit.experiments import FULL, QUICK, asking, noise, prelabels, redundancy, routing
from kit.experiments.judges import confusions, judged
from kit.experiments.takes import people

_DIGITS = 4
_LISTS = ("judged", "confusion")  # kinds whose rows hold lists


def labels(parts=None):
    """Rows of the parts named in PARTS, all by default: list of dict.

    Raises KitError "unknown", and "no-data" where the recordings are not here.
    """
    if unknown := set(parts or ()) - set(PARTS):
        raise KitError("no such part", found=sorted(unknown), allowed=", ".join(PARTS),
                       code="unknown")  # fmt: skip
    everybody, notice = people()
    need_recordings(notice)
    table = judged(everybody, size=QUICK)  # the raters of the lesson
    found = [{"kind": name} | row for name in parts or PARTS
             for row in PARTS[name](everybody, table)]  # fmt: skip
    return [{key: _short(value) for key, value in row.items()} for row in found]


def as_text(rows):
    """The rows as one table a kind, without those that hold lists."""
    return synthetic_text([r for r in rows if r["kind"] not in _LISTS])


def _judged(_, table):
    return [
        {"judge": judge, "clips": part.height, "confidence": part["confidence"].to_list(),
         "right": part["right"].to_list()}
        for (judge,), part in table.group_by("judge", maintain_order=True)
    ]  # fmt: skip


def _confusion(_, table):
    counts, words = confusions(table)
    return [{"judge": judge, "words": words, "counts": [row.tolist() for row in found]}
            for judge, found in counts.items()]  # fmt: skip


def _short(value):
    if isinstance(value, list):
        return [_short(x) for x in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _asked(everybody):
    return asking.curves(everybody, size=FULL)


PARTS = {
    "judged": _judged,
    "confusion": _confusion,
    "apart": lambda _, table: redundancy.apart(table).to_dicts(),
    "redundancy": lambda _, table: redundancy.redundancy(table, items=4000).to_dicts(),
    "routing": lambda _, table: routing.routing(table).to_dicts(),
    "promise": lambda _, table: routing.promise(table).to_dicts(),
    "noisy": lambda people, table: noise.noisy(people, table, FULL).to_dicts(),
    "looks": lambda people, table: noise.looks(people, table, size=FULL).to_dicts(),
    "curve": lambda people, _: asking.mean_curves(_asked(people)).to_dicts(),
    "multiplier": lambda people, _: asking.multipliers(_asked(people)).to_dicts(),
    "rules": lambda people, _: prelabels.rules(people, FULL).to_dicts(),
    "prelabelled": lambda people, _: prelabels.prelabelled(people, FULL).to_dicts(),
}
