"""Contracts: what rows must keep to. Rows that break one become dead letters; columns stop the run.

A wrong type is no data issue but a broken source: a cast that loses a leading zero would turn
every later row into a lie, so nothing is cast, and the run stops at the column.
"""

import pandera.polars as pa
import polars as pl

from kit.corpus.clips import ClipTable, broken_rules
from kit.errors import KitError

_NULL = "null"  # the reason code of a missing value


def clip_contract(contract):
    """pandera schema of a clip table under the `[contract]` of a recipe.

    Beside the rules of kit.corpus.ClipTable it wants a column `seconds`.
    """
    shortest, longest = contract.seconds
    label = [pa.Check.isin(contract.labels, error="label-unknown")] if contract.labels else []
    return ClipTable.to_schema().update_columns(
        {"label": {"nullable": not contract.label_required, "checks": label}}
    ).add_columns(
        {"seconds": pa.Column(float, [
            pa.Check.ge(shortest, error="too-short"), pa.Check.le(longest, error="too-long"),
        ])}
    )  # fmt: skip


def enforce(table, schema):
    """(kept, broken): rows of a polars table that keep every rule of a pandera schema, and others.

    kept: rows in their order. broken: table of row, column, code and value, one row a broken rule:
    code is the check's `error` if it is a single word, else the check; "null" for a missing value.
    Raises KitError "contract" if a column is missing or has another type: data of that kind must
    not be cast.
    """
    try:
        schema.validate(table, lazy=True)
        return table, _broken([])
    except pa.errors.SchemaErrors as fault:
        cases = fault.failure_cases
    whole = cases.filter(pl.col("index").is_null())
    if not whole.is_empty():
        rules = [f"column {r.removeprefix('column ')}" for r in broken_rules(whole)]
        raise KitError(
            f"the table breaks its contract as a whole: {'; '.join(rules)}",
            allowed="the columns and types of the contract",
            remedy="mend the source; a cast here would change values without a word",
            code="contract",
        )
    rows = [_letter(table, case) for case in cases.iter_rows(named=True)]
    broken = _broken(rows).sort("row", "column", "code")
    kept = table.with_row_index("row").filter(~pl.col("row").is_in(broken["row"].to_list()))
    return kept.drop("row"), broken


def shares_off(table, column, expected, allowed=0.2):
    """Semantic check on a sample: dict of value -> share, where it moved more than `allowed`.

    expected: dict of value -> share, 0 to 1. A value that is new or gone is told as well. It says
    that something changed, not which row is wrong, so nothing is rejected.
    """
    counts = dict(table[column].value_counts().iter_rows())
    total = max(sum(counts.values()), 1)
    found = {value: counts.get(value, 0) / total for value in {*counts, *expected}}
    return {v: s for v, s in found.items() if abs(s - expected.get(v, 0.0)) > allowed}


def label_moves(table, contract, before=None, most=2000):
    """list of str: labels whose share is far from what the contract or the version before states.

    Looks at `most` rows, those whose clip_id comes first: a sample without a die. before: clip
    table of the last version, or None.
    """
    sample = table.sort("clip_id").head(most)
    expected = [("the contract", contract.label_shares)] if contract.label_shares else []
    if before is not None and before.height:
        counts = before["label"].value_counts(normalize=True)
        expected.append(("the last version", dict(counts.iter_rows())))
    return [
        f"{label!r} has a share of {share:.2f}, {stated.get(label, 0.0):.2f} in {where}"
        for where, stated in expected
        for label, share in sorted(shares_off(sample, "label", stated).items())
    ]


def _letter(table, case):
    column, row = case["column"], int(case["index"])
    value = table[column][row] if column in table.columns else None
    check = case["check"]
    code = _NULL if check == "not_nullable" else check
    return {
        "row": row,
        "column": column,
        "code": code,
        "value": None if value is None else str(value),
    }


def _broken(rows):
    schema = {"row": pl.Int64, "column": pl.String, "code": pl.String, "value": pl.String}
    return pl.DataFrame(rows, schema=schema)
