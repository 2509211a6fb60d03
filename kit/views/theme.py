"""One look for all figures; the colours stay apart for colour-blind readers."""

import plotly.graph_objects as go

# Okabe and Ito 2008
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY, INK = "#CC79A7", "#56B4E9", "#8A8F98", "#22262B"
# for text: orange and green on white are too pale to read
DARK_ORANGE, DARK_GREEN = "#9A6A00", "#00734F"
PALE_BLUE, PALE_ORANGE, PALE_GREY = "#E3EFF7", "#FCF1DC", "#F1F3F5"

_AXIS = {
    "showgrid": True, "gridcolor": "#E6E9ED", "zeroline": False, "linecolor": "#B8BEC6",
    "showline": True, "ticks": "outside", "tickcolor": "#B8BEC6", "title": {"standoff": 8},
}  # fmt: skip

# a template of few entries: plotly's own is large, and resending it costs 0.2 s a redraw
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, -apple-system, Segoe UI, sans-serif", "size": 14,
                 "color": INK},
        "colorway": [BLUE, ORANGE, GREEN, RED, PURPLE, SKY],
        "paper_bgcolor": "white", "plot_bgcolor": "white", "xaxis": _AXIS, "yaxis": _AXIS,
        "title": {"x": 0.0, "xanchor": "left", "xref": "paper", "font": {"size": 17}},
        "margin": {"l": 70, "r": 20, "t": 70, "b": 60},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left",
                   "font": {"size": 13}},
        "hoverlabel": {"font": {"size": 13}},
    }
)  # fmt: skip


class Figure(go.Figure):
    """A plotly figure that a notebook shows with its sentence and its table folded below."""

    def _ipython_display_(self):
        from kit.views.html import show_figure

        show_figure(self)


def contrast(colour, ground="#FFFFFF"):
    """Contrast of two colours "#RRGGBB", 1 to 21, after WCAG 2; text needs 4.5."""
    light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_on(colour):
    """The colour of text on `colour`: white or ink, whichever reads better."""
    return max("#FFFFFF", INK, key=lambda text: contrast(text, colour))


def figure(traces, title, x, y, height=430, **layout):
    """Figure with the common look. x, y: axis titles with units, or dicts of axis settings."""
    axes = {"xaxis": _axis(x), "yaxis": _axis(y)}
    return Figure(
        traces,
        {"template": TEMPLATE, "title": {"text": title}, "height": height, "autosize": True}
        | axes
        | layout,
    )


def log_axis(title, low=None, high=None):
    """Settings of a logarithmic axis with plain tick labels: 1 k, 1 M; low, high in data units."""
    import math

    axis = {"type": "log", "title": {"text": title}, "exponentformat": "SI", "dtick": 1}
    if low is not None:
        axis["range"] = [math.log10(low), math.log10(high)]
    return axis


def _luminance(colour):
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _axis(spec):
    return spec if isinstance(spec, dict) else {"title": {"text": spec}}
