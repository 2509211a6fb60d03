"""Pictures of labels from tables: redundancy, noise, plans held against trials, learning curves.

Each title says the finding, so that figure and text say the same; colour is never alone.
"""

import math

import plotly.graph_objects as go
import polars as pl

from kit.errors import KitError
from kit.labeling.plan.search import pareto
from kit.numbers import shown
from kit.views.drift import LOOKS, ROOMY, _with
from kit.views.theme import BLUE, GREEN, GREY, INK, ORANGE, figure

_UNITS = {"usd": "USD an item", "raters": "raters an item"}
_ENDS = {"range": "least and most accurate speaker", "interval": "95 %"}  # of whiskers
_PERCENT = ("accuracy_percent", "low_percent", "high_percent")
_REDUNDANCY = ("pool", "raters", "method", *_PERCENT, "usd", "usd_correct")
_NOISY = ("mistake", "wrong_percent", *_PERCENT, "ends")
_ONE_LINE = 4  # entries of a legend that fit into a line
_LOW = ROOMY | {"margin": ROOMY["margin"] | {"t": 105, "b": 75}}  # a legend of one line
_FRONT = ("usd", "accuracy", "model_share", "expert_share", "days", "feasible")
_CURVES = ("task", "strategy", "labels", "accuracy", "low", "high")


def redundancy(table, x="usd"):
    """Accuracy against what an item costs, or raters an item: a panel a pool, a line a method.

    table: pool, raters, method, accuracy_percent, low_percent, high_percent, usd (an item),
    usd_correct (a right label). x: "usd" or "raters".
    """
    table = _with(table, _REDUNDANCY, "table of redundancy")
    if x not in _UNITS:
        raise KitError("no such axis", found=x, allowed=", ".join(_UNITS))
    least = max(min(table["low_percent"].min(), 90) - 3, 0)
    return _panels(
        table, ("pool", "method", x), _gain(table), _UNITS[x], _bought,
        {"title": {"text": "right, % of the items (whiskers: 95 %)"}, "range": [least, 101]},
    )  # fmt: skip


def noisy(table):
    """Accuracy of a model against the share of wrong labels it learnt from, a line a kind.

    table: mistake, wrong_percent, accuracy_percent, low_percent, high_percent, ends ("interval",
    "range" or words for what the whiskers are); with clips (that it learnt from), a line for each
    count of them. Where a kind starts with wrong labels, the right ones of another stand first.
    """
    table = _with(table, _NOISY, "table of noisy labels")
    if "clips" not in table.columns:
        table = table.with_columns(clips=0)
    keys = table.select("mistake", "clips").unique(maintain_order=True).rows()
    one = table["clips"].n_unique() == 1
    parts = {kind if one else f"{kind}, {clips} clips": _with_clean(table, kind, clips)
             for kind, clips in keys}  # fmt: skip
    traces = [_line(rows, "wrong_percent", name, i, _wrong)
              for i, (name, rows) in enumerate(parts.items())]  # fmt: skip
    most = table["wrong_percent"].max()
    text = f"wrong labels in training, %<br>({whiskers_are(table)})"
    return figure(
        traces, _price_of_noise(table, one),
        {"title": {"text": text}, "range": [-0.03 * most, 1.03 * most]},
        {"title": {"text": "right on test clips, %"},
         "range": [max(table["low_percent"].min() - 4, 0), 101]},
        height=490, **_LOW | {"margin": _LOW["margin"] | {"t": 120}},
    )  # fmt: skip


def routing(front, trials=None):
    """Cost against accuracy of the plans that no other beats, beside what trials really gave.

    front: of kit.labeling.plan.best_plan, or with its columns usd, accuracy (0 to 1), model_share,
    expert_share, days, feasible. trials: table usd, accuracy of plans that were simulated.
    """
    front = _with(front, _FRONT, "front of plans").sort("usd")
    measured = [] if trials is None else [_with(trials, ("usd", "accuracy"), "table of trials")]
    both = [t.select(pl.col("usd", "accuracy").cast(pl.Float64)) for t in (front, *measured)]
    usd, right = pl.concat(both)
    low = max(usd.filter(usd > 0).min() or 1.0, usd.max() / 1e4)
    kept, best = front.filter("feasible"), pareto(front["usd"].to_numpy(), right[: len(front)])
    marks = {"mode": "markers", "marker": {"size": 8, "symbol": "circle-open", "color": GREY}}
    traces = [
        _plans(front.filter(best), low, "best for its price",
               {"mode": "lines", "line": {"color": BLUE, "width": 3, "shape": "hv"}}),
        _plans(front.filter(~pl.col("feasible")), low, "breaks a limit", marks),
        _plans(kept, low, "within all limits",
               {"mode": "markers", "marker": {"color": GREEN, "size": 10}}),
        *(_trials(t, low) for t in measured),
    ]  # fmt: skip
    return figure(
        traces, _cheapest(kept), usd_axis(low, max(usd.max(), 1.2 * low)),
        {"title": {"text": "right, % of the items"},
         "range": [100 * right.min() - 2, min(100 * right.max() + 2, 101)]},
        height=470, **_LOW,
    )  # fmt: skip


def curves(table):
    """Accuracy against labels, a panel a task and a line a strategy.

    table: task, strategy, labels, accuracy, low, high (0 to 1), one row a count of labels.
    """
    table = _with(table, _CURVES, "table of curves of active learning")
    percent = [(100 * pl.col(c)).alias(p) for c, p in zip(_CURVES[3:], _PERCENT, strict=True)]
    table = table.with_columns(percent)
    low = max(table["low_percent"].min() - 3, 0)
    return _panels(
        table, ("task", "strategy", "labels"), _ahead(table), "labels, clips", _labelled,
        {"title": {"text": "right on test clips, % (whiskers: 95 %)"}, "range": [low, 101]},
    )  # fmt: skip


def whiskers(rows):
    """dict for error_y or error_x: from low_percent to high_percent around accuracy_percent."""
    middle, low, high = (rows[c] for c in _PERCENT)
    return {"type": "data", "symmetric": False, "array": (high - middle).clip(0),
            "arrayminus": (middle - low).clip(0), "thickness": 1.2, "width": 3}  # fmt: skip


def whiskers_are(table):
    """What whiskers of a table mean, by its column ends: "whiskers: 95 %" without one."""
    ends = table["ends"][0] if "ends" in table.columns else "interval"
    return f"whiskers: {_ENDS.get(ends, ends)}"


def usd_axis(low, high):
    """Settings of a logarithmic axis of USD for all labels, from `low` to `high`."""
    steps = (1, 2, 5) if high < 2e3 * low else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**d for d in decades for m in steps]
    return {"type": "log", "title": {"text": "all labels, USD"}, "tickvals": ticks,
            "ticktext": [shown(t) for t in ticks],
            "range": [math.log10(low) - 0.06, math.log10(high) + 0.08]}  # fmt: skip


def _unique(table, column):
    return table[column].unique(maintain_order=True).to_list()


def _line(rows, x, name, place, told):
    colour, symbol = LOOKS[place % len(LOOKS)]
    name = name.replace("_", " ")
    return go.Scatter(
        x=rows[x], y=rows["accuracy_percent"], error_y=whiskers(rows), mode="lines+markers",
        name=name, line={"color": colour, "width": 2}, marker={"symbol": symbol, "size": 9},
        text=[told(r) for r in rows.iter_rows(named=True)],
        hovertemplate=f"{name}, %{{text}}: %{{y:.1f}} %<extra></extra>",
    )  # fmt: skip


def _panels(table, columns, title, unit, told, y):
    """Panels side by side on one axis of accuracy. columns: of the panel, the line, and x."""
    panel, line, x = columns
    panels, lines, traces = _unique(table, panel), _unique(table, line), {}
    for i, name in enumerate(panels):
        part = table.filter(pl.col(panel) == name)
        for place, key in enumerate(lines):
            rows = part.filter(pl.col(line) == key).sort(x)
            if rows.height:
                new = key not in {k for _, k in traces}  # the legend names each once
                traces[i, key] = _line(rows, x, key, place, told).update(
                    xaxis=f"x{i + 1 if i else ''}", legendgroup=key, showlegend=new
                )
    axes = _axes(panels, unit, table[x])
    more = {f"xaxis{i}": axis for i, axis in enumerate(axes[1:], 2)}
    above = ROOMY["margin"]["t"] if len(lines) > _ONE_LINE else _LOW["margin"]["t"]
    room = _LOW | {"margin": _LOW["margin"] | {"t": above}}
    return figure(list(traces.values()), title, axes[0], y, height=480, **more, **room)


def _axes(names, unit, x):
    """Settings of an axis for each panel: its name below it, and all of one range."""
    gap, low = 0.05, min(x.min(), 0)
    width, room = (1 - gap * (len(names) - 1)) / len(names), 0.05 * (x.max() - low)
    return [{"title": {"text": f"{name}<br>{unit}"}, "range": [low - room, x.max() + room],
             "domain": [i * (width + gap), i * (width + gap) + width]}
            for i, name in enumerate(names)]  # fmt: skip


def _bought(row):
    usd, right = shown(row["usd"]), shown(row["usd_correct"])
    return f"{row['raters']:g} raters, USD {usd} an item, {right} a right label"


def _wrong(row):
    return f"{row['wrong_percent']:g} % wrong"


def _labelled(row):
    return f"{row['labels']:g} labels"


def _gain(table):
    """Where a method gains most on the majority of as many raters."""
    majority = table.filter(pl.col("method") == "majority")
    plain = majority.select("pool", "raters", plain="accuracy_percent")
    both = table.filter(pl.col("method") != "majority").join(plain, ["pool", "raters"])
    if both.is_empty():
        row = table.sort("accuracy_percent", maintain_order=True).row(-1, named=True)
        return f"{row['pool']}, {row['raters']} raters: {row['accuracy_percent']:.1f} % right"
    row = both.sort(pl.col("accuracy_percent") - pl.col("plain")).row(-1, named=True)
    return (f"{row['pool']}, {row['raters']} raters: {row['method']} "
            f"{row['accuracy_percent']:.1f} %, majority {row['plain']:.1f} %")  # fmt: skip


def _with_clean(table, kind, clips):
    """Rows of a kind and count of clips, from the cleanest labels of any kind on."""
    here = table.filter(pl.col("clips") == clips).sort("wrong_percent", maintain_order=True)
    own, clean = here.filter(pl.col("mistake") == kind), here.head(1)
    return own if own["wrong_percent"][0] <= clean["wrong_percent"][0] else pl.concat([clean, own])


def _price_of_noise(table, one):
    """Points lost from the cleanest to the worst labels, by kind, where most clips were learnt."""
    clips, parts = table["clips"].max(), []
    for kind in _unique(table.filter(pl.col("clips") == clips), "mistake"):
        rows = _with_clean(table, kind, clips)["accuracy_percent"]
        parts.append(f"{kind} {rows[0] - rows[-1]:.1f} points")
    which = "" if one else f" of {clips} clips"
    return f"{table['wrong_percent'].max():g} % wrong labels{which} cost<br>{', '.join(parts)}"


def _cheapest(kept):
    if kept.is_empty():
        return "No plan keeps all limits"
    row = kept.row(0, named=True)
    return (f"Cheapest within the limits: USD {shown(row['usd'])}, "
            f"{100 * row['accuracy']:.1f} % right")  # fmt: skip


def _plans(rows, low, name, look):
    texts = [f"model {100 * r['model_share']:.0f} %, experts {100 * r['expert_share']:.0f} %, "
             f"{shown(r['days'])} days, USD {shown(r['usd'])}"
             for r in rows.iter_rows(named=True)]  # fmt: skip
    return go.Scatter(x=rows["usd"].clip(low), y=100 * rows["accuracy"], name=name, text=texts,
                      hovertemplate="%{text}: %{y:.1f} % right<extra></extra>", **look)  # fmt: skip


def _trials(rows, low):
    marker = {"symbol": "diamond", "size": 10, "color": ORANGE, "line": {"color": INK, "width": 1}}
    return go.Scatter(x=rows["usd"].clip(low), y=100 * rows["accuracy"], mode="markers",
                      name="simulated", marker=marker, text=[shown(u) for u in rows["usd"]],
                      hovertemplate="simulated: USD %{text}, %{y:.1f} % right<extra></extra>",
                      )  # fmt: skip


def _ahead(table):
    """The strategy that is ahead of random by most points on average, in each task."""
    random = table.filter(pl.col("strategy") == "random")
    plain = random.select("task", "labels", plain="accuracy")
    lead = table.filter(pl.col("strategy") != "random").join(plain, ["task", "labels"])
    lead = lead.group_by("task", "strategy", maintain_order=True).agg(
        points=100 * (pl.col("accuracy") - pl.col("plain")).mean()
    )
    parts = []
    for task in _unique(table, "task"):
        best = lead.filter(task=task).sort("points", maintain_order=True)
        if best.height:
            name, points = best.row(-1)[1:]
            parts.append(f"{task}: {name.replace('_', ' ')} {points:+.1f}")
    return "Points ahead of random<br>" + "; ".join(parts) if parts else "Accuracy against labels"
