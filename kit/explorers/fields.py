"""Small widgets that several pages use."""

import html
import math
import re

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
    """float from what a person types: "22.2", "22,2", "8e4", "80 000"; else a KitError.

    "1,000" is refused: to some it is a thousand, to others one.
    """
    plain = "".join(str(text).split())
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+", plain):
        raise KitError(
            "this number can be read in two ways",
            found=text,
            remedy=f"write {plain.replace(',', '')}, or use a point for decimals",
        )
    plain = plain.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise KitError("this is not a number", found=text, allowed="digits, such as 22.2 or 8e4")
    return number


def as_widget(view):
    """`view` (explorer, plotly figure, HTML table or anything printable) as a widget."""
    import ipywidgets as w
    import plotly.graph_objects as go

    from kit.explorers.base import Exploration, live_figure
    from kit.views.html import figure_fallback

    if isinstance(view, Exploration):
        return view.live_box()
    if isinstance(view, go.Figure):
        picture = live_figure(view)
        folded = w.HTML(figure_fallback(view), layout={"order": "1"})  # seen below the figure
        picture.children = (picture.children[0], folded, picture.children[-1])
        return picture
    if hasattr(view, "_repr_html_"):
        return w.HTML(view._repr_html_())
    return w.HTML(f"<pre>{html.escape(str(view))}</pre>")
