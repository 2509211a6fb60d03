"""What can be found in a submission: one sentence each, and whether it keeps it from grading."""

from dataclasses import dataclass

# kind -> whether a notebook with it cannot be handed in as it is
KINDS = {
    # the file
    "name": True, "large": True, "bom": True, "encoding": True, "conflict": True,
    "truncated": True, "not-json": True, "not-notebook": True, "old-format": True,
    "new-format": True, "no-ids": False, "kernel": False, "language": True, "widgets": False,
    "outputs": False, "no-file": True, "other-lab": True,
    # cells
    "missing": True, "text-missing": False, "duplicate": True, "moved": True, "retyped": True,
    "marks": True, "edited": True, "text-edited": False, "merged": True, "elsewhere": True,
    "ambiguous": True,
    # answers
    "untouched": False, "all-untouched": True, "empty": False, "leftover": False,
    "syntax": True, "input": True, "magic": False, "order": False, "error": False,
    "check-failed": False,
    # collecting
    "several": False, "no-notebook": True, "no-student": False, "same-student": True,
    "again": False, "zip": True, "zip-part": True, "link": True,
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One sentence about a submission.

    kind: a key of KINDS; cell: grade id or cell id of the released cell, or "";
    text: plain sentences for the student; fixable: `repair` puts it right without a guess.
    """

    kind: str
    cell: str
    text: str
    fixable: bool

    @property
    def stops(self):
        """Whether the notebook cannot be handed in as it is."""
        return KINDS[self.kind]

    def as_dict(self):
        """For JSON."""
        return {"kind": self.kind, "cell": self.cell, "text": self.text,
                "fixable": self.fixable, "stops": self.stops}  # fmt: skip
