"""What many tests ask of a call and of a table."""

import pytest

from kit.errors import KitError


def code(call, *args, **kwargs):
    """The reason code of the KitError that the call raises."""
    with pytest.raises(KitError) as error:
        call(*args, **kwargs)
    return error.value.code


def finite(table):
    """No NaN and no infinity in any column of floats of a polars table."""
    return all(table[c].drop_nulls().is_finite().all() for c in table.columns
               if table[c].dtype.is_float())  # fmt: skip
