"""Pictures of the experiments: mix, gap, leak, backfire, price, accuracy, mistakes."""

import plotly.graph_objects as go

from kit.numbers import shown
from kit.views.theme import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, figure, text_on

_LINES = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
_MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
_CHANCE = 1.0  # points lost that are not called a loss
_WHISKERS = {"range": "whiskers: least and most accurate speaker", "interval": "whiskers: 95 %"}


def mix(table, by="augment"):
    """Accuracy against the share of recordings, a line for each `by` and condition.

    table: of kit.experiments.mix_by_clips or mix_by_dollars.
    """
    traces = []
    keys = table.select(by, "condition").unique(maintain_order=True).rows()
    for i, (name, condition) in enumerate(keys):
        part = table.filter(table[by] == name, table["condition"] == condition).sort("real_share")
        told = part.select("real", "synthetic").rows()
        traces.append(go.Scatter(
            x=100 * part["real_share"], y=part["accuracy_percent"], mode="lines+markers",
            name=f"{_spoken(name)}, {condition} test", line={"color": _LINES[i % len(_LINES)],
            "dash": "solid" if condition == "clean" else "dot"},
            marker={"size": 9, "symbol": _MARKS[i % len(_MARKS)]},
            error_y=_whiskers(part), text=[f"{r:,} recorded, {s:,} synthetic" for r, s in told],
            hovertemplate="%{text}: %{y:.1f} %<extra></extra>",
        ))  # fmt: skip
    best = table.sort("accuracy_percent").row(-1, named=True)
    title = f"Best: {100 * best['real_share']:.0f} % recorded, {best['accuracy_percent']:.0f} %"
    x = {"title": {"text": "recorded, % of the clips"}, "range": [-4, 104]}
    if "usd" in table.columns:
        title = f"For USD {shown(table['usd'].max())}. {title}"
        x["title"]["text"] = "spent on recordings, % of the dollars"
    y = {"title": {"text": "accuracy on unseen people, %"}, "range": [0, 100]}
    x["title"]["text"] += f" ({_WHISKERS[table['ends'][0]]})"
    return figure(traces, title, x, y, height=470)


def gap(table):
    """How well synthesis can be told from people, and the accuracy lost; table of `gap`."""
    rows = table[::-1]
    two = [
        _bars(rows, "treatment", "auc", BLUE, "told apart", "{:.2f}",
              error_x=_ends(rows, "auc", "low", "high")),
        _bars(rows, "treatment", "points", ORANGE, "accuracy lost", "{:.0f} points",
              xaxis="x2", yaxis="y2"),
    ]  # fmt: skip
    first, last = table.row(0, named=True), table.sort("points").row(0, named=True)
    title = (f"From {first['points']:.0f} points lost to {last['points']:.0f}: "
             f"{last['treatment']}")  # fmt: skip
    return _two_panels(two, title, {"title": {"text": "told from people, AUC: 0.5 is a guess"},
                       "range": [0.4, 1.08]}, {"title": {"text": "points lost to recordings, %"}},
                       rows.height)  # fmt: skip


def leak(table):
    """What each split reports beside what unseen people find; table of `leak`."""
    names = [f"{name} split" for name in table["split"]]
    bars = [
        go.Bar(x=names, y=table[column], name=label, marker={"color": colour}, textangle=0,
               text=[f"{y:.0f} %" for y in table[column]], textposition="outside",
               hovertemplate="%{x}: %{y:.1f} %<extra>" + label + "</extra>")
        for column, label, colour in (
            ("reported_percent", "what the split reports", GREY),
            ("unseen_percent", "people that nobody heard", BLUE),
        )
    ]  # fmt: skip
    worst = table.sort("too_high_points").row(-1, named=True)
    title = f"A {worst['split']} split promises {worst['too_high_points']:.0f} points too much"
    y = {"title": {"text": "accuracy, %"}, "range": [0, 108]}
    return figure(bars, title, {"title": {"text": ""}}, y, barmode="group")


def backfire(table):
    """Points gained on the clean test and on the device, by augmentation; table of `backfire`."""
    rows = table.filter(table["treatment"] != "none")
    worse = (rows["clean_points"] > 0) & (rows["device_points"] < -_CHANCE)
    colours = [RED if w else BLUE for w in worse]
    dots = go.Scatter(
        x=rows["clean_points"], y=rows["device_points"], text=rows["treatment"],
        mode="markers+text", textposition="top center", marker={"size": 13, "color": colours},
        cliponaxis=False, showlegend=False,
        hovertemplate="%{text}: %{x:+.1f} points clean, %{y:+.1f} on the device<extra></extra>",
    )  # fmt: skip
    names = ", ".join(rows.filter(worse)["treatment"]) or "none"
    x = _around(rows["clean_points"], "gained on the clean test, points of %")
    y = _around(rows["device_points"], "gained on the device, points of %")
    zero = [{"type": "line", f"{a}0": 0, f"{a}1": 0, f"{b}0": 0, f"{b}1": 1, f"{b}ref": "paper",
             "line": {"color": INK, "dash": "dot"}} for a, b in ("xy", "yx")]  # fmt: skip
    return figure([dots], f"Better test, worse device: {names}", x, y, shapes=zero)


def price(table):
    """Points of accuracy that each measure adds, with what a point costs; table of `per_point`."""
    rows = table.filter(table["points"].is_not_null())[::-1]
    text = [f"{p:+.1f} points for USD {usd:.0f}" + (f": USD {each:.2g} a point" if each else "")
            for p, usd, each in rows.select("points", "usd", "usd_per_point").rows()]  # fmt: skip
    bars = go.Bar(x=rows["points"], y=rows["measure"], orientation="h", marker={"color": BLUE},
                  error_x=_ends(rows, "points", "low_points", "high_points"), showlegend=False,
                  customdata=text, hovertemplate="%{y}: %{customdata}<extra></extra>")  # fmt: skip
    # on an axis of categories a number is a place: above the bar
    labels = [{"x": 0, "y": i + 0.4, "text": line, "showarrow": False, "xanchor": "left",
               "font": {"size": 13}} for i, line in enumerate(text)]  # fmt: skip
    x = {"title": {"text": "points of accuracy gained, % (whiskers: 95 %)"}, "zeroline": True}
    start = table.row(0, named=True)
    title = f"On top of {start['measure']}, at {start['accuracy_percent']:.0f} %"
    axis = {"automargin": True, "showgrid": False}
    return figure([bars], title, x, axis, height=150 + 62 * rows.height, bargap=0.62,
                  annotations=labels)  # fmt: skip


def accuracy(table):
    """Accuracy of each speaker with its interval, and the mean; columns speaker, accuracy_percent,
    low_percent, high_percent."""
    rows = table.reverse()
    dots = go.Scatter(
        x=rows["accuracy_percent"], y=rows["speaker"], mode="markers", showlegend=False,
        marker={"size": 12, "color": [INK if s in ("all", "mean") else BLUE
                                      for s in rows["speaker"]]},
        error_x=_ends(rows, "accuracy_percent", "low_percent", "high_percent"),
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )  # fmt: skip
    worst = table.sort("accuracy_percent").row(0, named=True)
    title = f"The mean hides {worst['speaker']}: {worst['accuracy_percent']:.0f} %"
    x = {"title": {"text": "accuracy on a speaker it never heard, %"}, "range": [0, 102]}
    return figure([dots], title, x, {"showgrid": False, "type": "category", "automargin": True},
                  height=150 + 36 * rows.height)  # fmt: skip


def confusion(table):
    """Which word is said for which; table of kit.kws.evaluate.confusion."""
    words = sorted({*table["label"], *table["said"]})
    share = {(a, b): s for a, b, s in table.select("label", "said", "share").iter_rows()}
    z = [[100 * share.get((a, b), 0.0) for b in words] for a in words]
    heat = go.Heatmap(z=z, x=words, y=words, colorscale="Blues", zmin=0, zmax=100,
                      text=[[f"{v:.0f}" if v >= 1 else "" for v in row] for row in z],
                      texttemplate="%{text}", colorbar={"title": {"text": "%"}},
                      hovertemplate="%{y} heard as %{x}: %{z:.1f} %<extra></extra>")  # fmt: skip
    wrong = table.filter(table["label"] != table["said"])
    title = "No mistake at all"
    if wrong.height:
        first = wrong.row(0, named=True)
        title = f"Most frequent mistake: {first['label']} heard as {first['said']}"
    x = {"title": {"text": "word heard, % of each row"}, "type": "category"}
    y = {"title": {"text": "word said, by label"}, "type": "category", "autorange": "reversed"}
    return figure([heat], title, x, y, height=480)


def _spoken(augment):
    return "not augmented" if augment == "none" else f"augmented: {augment}"


def _whiskers(part):
    return _ends(part, "accuracy_percent", "low_percent", "high_percent") | {"width": 4}


def _ends(rows, middle, low, high):
    return {"array": rows[high] - rows[middle], "arrayminus": rows[middle] - rows[low],
            "thickness": 1.2, "color": GREY}  # fmt: skip


def _bars(rows, y, x, colour, name, text, **more):
    return go.Bar(x=rows[x], y=rows[y], orientation="h", name=name, marker={"color": colour},
                  text=[text.format(v) for v in rows[x]], textposition="inside", textangle=0,
                  insidetextanchor="start", textfont={"color": text_on(colour)}, showlegend=False,
                  hovertemplate="%{y}: %{x:.3g}<extra>" + name + "</extra>", **more)  # fmt: skip


def _two_panels(traces, title, x, x2, rows):
    return figure(
        traces, title, x | {"domain": [0, 0.47]}, {"automargin": True, "showgrid": False},
        height=170 + 44 * rows,
        xaxis2=x2 | {"domain": [0.53, 1]},
        yaxis2={"anchor": "x2", "matches": "y", "showticklabels": False},
    )  # fmt: skip


def _around(column, title):
    """An axis that holds the values and zero, with room for names."""
    low, high = min(column.min(), 0), max(column.max(), 0)
    edge = 0.18 * max(high - low, 1)
    return {"title": {"text": title}, "range": [low - edge, high + edge]}
