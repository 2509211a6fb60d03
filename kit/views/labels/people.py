"""Pictures of who labels: raters and whether they can be trusted, rules and hands together."""

import plotly.graph_objects as go
import polars as pl

from kit.numbers import plural, shown
from kit.views.drift import ROOMY, _with
from kit.views.labels.figures import whiskers, whiskers_are
from kit.views.theme import BLUE, GREY, INK, ORANGE, RED, figure

_KINDS = (("ok", BLUE, "circle"), ("spammer", ORANGE, "square"), ("adversary", RED, "x"))
_RATERS = ("rater", "accuracy", "kappa", "ratings", "kind")
_WEAK = ("how", "hand_labels", "accuracy_percent", "low_percent", "high_percent", "usd")
_NAMED = 45  # raters whose names fit below the picture
_TOLD = 4  # names in the title


def raters(table):
    """Accuracy and kappa of each rater, the least accurate first, by kind.

    table: of kit.labeling.aggregate: rater, accuracy (0 to 1), kappa, ratings, kind. Those of whom
    nothing can be said are left out, and counted in the title.
    """
    table = _with(table, _RATERS, "table of raters")
    rows = table.drop_nulls("accuracy").sort("accuracy", "rater").with_row_index("place")
    traces = [
        go.Scatter(x=rows["place"], y=100 * rows["kappa"], mode="markers", name="kappa x 100",
                   marker={"symbol": "line-ew-open", "size": 11, "color": GREY,
                           "line": {"width": 2.5}},
                   hovertemplate="kappa x 100: %{y:.0f}<extra></extra>"),
        *(_dots(rows.filter(kind=kind), kind, *look) for kind, *look in _KINDS),
    ]  # fmt: skip
    few = rows.height <= _NAMED
    names = {"tickvals": rows["place"], "ticktext": [str(r) for r in rows["rater"]],
             "tickangle": -60, "automargin": True}  # fmt: skip
    return figure(
        traces, _untrusted(rows, table.height - rows.height),
        {"title": {"text": "rater" if few else "raters, the least accurate first"},
         "range": [-0.7, max(rows.height, 2) - 0.3], "showgrid": False,
         **(names if few else {"showticklabels": False, "ticks": ""})},
        {"title": {"text": "right, % of the ratings"}, "zeroline": True, "zerolinecolor": GREY,
         "range": [min((100 * rows["kappa"]).min() or 0, 0) - 4, 104]},
        height=450, **ROOMY | {"margin": ROOMY["margin"] | {"t": 105}},
    )  # fmt: skip


def weak(table):
    """Accuracy of each way to label, with what it costs beside it.

    table: how, hand_labels (count), accuracy_percent, low_percent, high_percent, usd (of all);
    ends, if it is there, says what the whiskers are.
    """
    table = _with(table, _WEAK, "table of ways to label")
    names = [
        f"{r['how']}, {plural(r['hand_labels'], 'label')}" for r in table.iter_rows(named=True)
    ]
    best = table["accuracy_percent"].arg_max()
    colours = [ORANGE if i == best else BLUE for i in range(table.height)]
    dots = go.Scatter(
        x=table["accuracy_percent"], y=names, mode="markers", showlegend=False,
        error_x=whiskers(table) | {"color": GREY},
        marker={"size": 12, "color": colours,
                "symbol": ["diamond" if i == best else "circle" for i in range(table.height)]},
        hovertemplate="%{y}: %{x:.1f} % right<extra></extra>",
    )  # fmt: skip
    return _beside_usd(dots, _usd_bars(table, names, colours), table, names)


def _dots(rows, kind, colour, symbol):
    texts = [f"{r['rater']}, {r['ratings']} ratings" for r in rows.iter_rows(named=True)]
    return go.Scatter(
        x=rows["place"], y=100 * rows["accuracy"], mode="markers", name=kind, text=texts,
        marker={"color": colour, "symbol": symbol, "size": 11},
        hovertemplate="%{text}: %{y:.1f} % right<extra>" + kind + "</extra>",
    )  # fmt: skip


def _untrusted(rows, silent):
    bad = [str(r) for r in rows.filter(pl.col("kind") != "ok")["rater"]]
    names = ", ".join(bad[:_TOLD]) + (f" and {len(bad) - _TOLD} more" if len(bad) > _TOLD else "")
    text = f"Not to be trusted, {len(bad)} of {rows.height}: {names or 'nobody'}"
    return text + (f"<br>Nothing can be said of {silent}" if silent else "")


def _usd_bars(table, names, colours):
    return go.Bar(
        x=table["usd"], y=names, orientation="h", xaxis="x2", yaxis="y2", showlegend=False,
        marker={"color": colours}, width=0.62, text=[f"{shown(u)}" for u in table["usd"]],
        textposition="outside", cliponaxis=False, textfont={"color": INK},
        hovertemplate="%{y}: USD %{x:.3g}<extra></extra>",
    )  # fmt: skip


def _beside_usd(dots, bars, table, names):
    best = table.sort("accuracy_percent", maintain_order=True).row(-1, named=True)
    down = [len(names) - 0.5, -0.5]
    low = table["low_percent"].min()
    return figure(
        [dots, bars],
        f"Best: {best['how']}, {plural(best['hand_labels'], 'label')}<br>"
        f"{best['accuracy_percent']:.1f} % for USD {shown(best['usd'])}",
        {"title": {"text": f"right, %<br>({whiskers_are(table)})"}, "domain": [0, 0.64],
         "range": [max(low - 4, 0), 102]},
        {"type": "category", "range": down, "automargin": True},
        height=185 + 34 * len(names), title_xref="container", title_x=0.02, title_y=0.94,
        title_yanchor="top", margin={"l": 70, "r": 20, "t": 85, "b": 75},
        xaxis2={"domain": [0.69, 1], "title": {"text": "all of it,<br>USD"},
                "range": [0, 1.3 * max(table["usd"].max(), 1e-9)]},
        yaxis2={"anchor": "x2", "matches": "y", "showticklabels": False, "range": down,
                "showgrid": False, "ticks": ""},
    )  # fmt: skip
