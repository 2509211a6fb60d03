"""A field for a number that tells an empty box from a zero."""

import math

from kit.errors import KitError


def number_field(label):
    """ipywidgets Text for one number, with room for its label."""
    import ipywidgets as w

    return w.Text(
        placeholder="a number",
        description=label,
        style={"description_width": "initial"},
        layout={"width": "360px"},
    )


def read_number(text):
    """float from what a person types: "22.2", "22,2", "8e4", "80 000"; else a KitError."""
    plain = "".join(str(text).split()).replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise KitError("this is not a number", found=text, allowed="digits, such as 22.2 or 8e4")
    return number
