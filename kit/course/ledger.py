"""What a student predicted, measured and explained; kept on their own disk, nowhere else."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from kit.quantities import quantity

_current = None


class Ledger:
    """The record of one lesson, saved after every change.

    name: stem of the file. folder: where it lies: KIT_REPORTS, else "reports" below the working
    folder. While a program executes the notebook (no front end) a record starts empty and is
    saved only when KIT_REPORTS is set, so that it never mixes with a student's own.
    """

    PARTS = (
        "questions", "predictions", "comparisons", "diagnoses", "explanations", "settings",
        "checkpoint",
    )  # fmt: skip

    def __init__(self, name, folder=None):
        from kit.frontend import live

        chosen = folder or os.environ.get("KIT_REPORTS")
        self.name = name
        self.folder = Path(chosen or "reports")
        self.keeps = bool(chosen) or live()
        self.data = {part: {} for part in self.PARTS}
        self.listeners = {}
        if live() and self.path.exists():
            self.data |= self._load()

    @property
    def path(self):
        return self.folder / f"{self.name}.json"

    def lock(self, key, value, unit):
        """Store prediction `key` once; later ones are refused, for a prediction comes first."""
        if key in self.data["predictions"]:
            return
        quantity("the prediction", value, "positive")
        self.data["predictions"][key] = {
            "value": float(value),
            "unit": unit,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            self.save()
        finally:  # a full disk must not keep the result hidden
            for call in self.listeners.pop(key, []):
                call()

    def when_locked(self, key, call):
        """Run `call()` once prediction `key` is locked; at once if it is."""
        if key in self.data["predictions"]:
            call()
        else:
            self.listeners.setdefault(key, []).append(call)

    def put(self, part, key, value):
        """Store `value` under `key` in one of PARTS and save."""
        self.data[part][key] = value
        self.save()

    def save(self):
        if not self.keeps:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(self.data, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(part, self.path)

    def _load(self):
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return {part: dict(found.get(part, {})) for part in self.PARTS}
        except (ValueError, TypeError, AttributeError, OSError):
            kept = self.path.with_suffix(".unreadable")
            os.replace(self.path, kept)  # never overwrite what might be rescued by hand
            print(f"{self.path} could not be read; it was renamed to {kept.name}, a new one begins")
            return {}


def current():
    """The Ledger of the lesson that was begun last; a scratch one if none was."""
    if _current is None:
        set_current(Ledger("scratch"))
    return _current


def set_current(ledger):
    global _current
    _current = ledger
