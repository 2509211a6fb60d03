"""Picture of the explorer on storage tiers: each part in each tier, and price against wait."""

import math

import polars as pl

from kit.numbers import human_time, shown
from kit.views.theme import BLUE, DARK_ORANGE, GREEN, INK, ORANGE, PALE_GREY, PALE_ORANGE, figure

PARTS = ((DARK_ORANGE, "circle"), (GREEN, "square"), (BLUE, "diamond"))  # youngest first
_APART = 0.27  # rows between the parts of a tier
_WAITS = (1e-6, 1e-4, 0.01, 1.0, 60.0, 3600.0, 43_200.0)
_SEEN_S = (5e-7, 2e5)  # waits that the lower panel shows
_BELOW = {"xaxis": "x2", "yaxis": "y2"}
_UNNAMED = _BELOW | {"showlegend": False}
_DOTTED = {"color": INK, "width": 1.5, "dash": "dot"}


def tiers(table):
    """Cost of each part in each tier, and price against wait; table of the explorer "tiers"."""
    cells, front = table.filter(point="cell"), table.filter(point="front")
    row = table.row(0, named=True)
    names = cells["tier"].unique(maintain_order=True).to_list()
    parts = cells["part"].unique(maintain_order=True).to_list()
    top = _usd(cells["keep_usd"], cells["month_usd"])
    low = _usd(front["month_usd"], [row["budget_usd"]])
    traces = [
        _too_slow(cells, names, top),
        *(_part(cells.filter(part=part), names, i) for i, part in enumerate(parts)),
        _chosen(cells, names, parts, row["found"]),
        _no_plan(front, low), _no_plan_word(low), _cheapest(front), *_limits(row, low),
        _needed(row), _yours(row),
    ]  # fmt: skip
    return figure(
        traces, _title(row),
        _usd_axis(top, "a month, USD (open: to keep; filled: with reads)") | {"anchor": "y"},
        _rows(cells, names), height=760, margin={"l": 125, "r": 20, "t": 125, "b": 60},
        title_y=0.97, title_yanchor="top",
        xaxis2=_wait_axis(), yaxis2=_usd_axis(low, "all data a month, USD") | {
            "anchor": "x2", "domain": [0, 0.3]},
    )  # fmt: skip


def _title(row):
    wait, budget = human_time(row["wait_s"]), shown(row["budget_usd"])
    if row["found"]:
        return f"Within {wait}: USD {shown(row['total_usd'])} a month, {budget} allowed"
    if row["total_usd"] is None:
        return f"No plan: nothing answers within {wait}"
    return f"No plan: {wait} costs USD {shown(row['total_usd'])}, not {budget}"


def _usd(*columns):
    """(low, high): whole decades around all values, so that the axis stays for most moves."""
    found = [x for column in columns for x in column]
    return [10.0 ** math.floor(math.log10(min(found)) - 0.1),
            10.0 ** math.ceil(math.log10(max(found)) + 0.1)]  # fmt: skip


def _usd_axis(ends, title):
    low, high = (round(math.log10(x)) for x in ends)
    ticks = [10.0**d for d in range(low, high + 1, math.ceil((high - low) / 7))]
    return {"type": "log", "title": {"text": title}, "tickangle": 0,
            "range": [low, high + 0.06], "tickvals": ticks,
            "ticktext": [shown(t) for t in ticks]}  # fmt: skip


def _wait_axis():
    return {"type": "log", "title": {"text": "longest wait for the first byte, from µs to hours"},
            "range": [math.log10(x) for x in _SEEN_S], "anchor": "y2", "tickvals": _WAITS,
            "tickangle": 0, "ticktext": [human_time(t) for t in _WAITS]}  # fmt: skip


def _rows(cells, names):
    waits = dict(cells.select("tier", "first_byte_s").iter_rows())
    texts = [
        f"{n}<br><span style='font-size:12px'>wait {human_time(waits[n])}</span>" for n in names
    ]
    return {"domain": [0.42, 1], "range": [len(names) - 0.45, -0.55], "tickfont": {"size": 13},
            "tickvals": list(range(len(names))), "ticktext": texts, "showgrid": False,
            }  # fmt: skip


def _too_slow(cells, names, ends):
    """The rows of tiers that answer too late; they lie below the others."""
    late = set(cells.filter(~pl.col("in_time"))["tier"])
    first = len(names) - len(late) - 0.5
    last = len(names) - 0.5 if late else first
    return {"x": [ends[0], ends[1], ends[1], ends[0]], "y": [first, first, last, last],
            "mode": "lines", "line": {"width": 0}, "fill": "toself", "fillcolor": PALE_GREY,
            "name": "too slow", "hoverinfo": "skip"}  # fmt: skip


def _at(names, tier, index):
    return names.index(tier) + _APART * (index - 1)


def _part(rows, names, index):
    """A line for each tier: from what it costs to keep to what it costs with reads."""
    colour, symbol = PARTS[index]
    x, y, told = [], [], []
    for r in rows.iter_rows(named=True):
        x += [r["month_usd"], r["keep_usd"], None]
        y += [_at(names, r["tier"], index)] * 2 + [None]
        text = f"keep USD {shown(r['keep_usd'])}, read USD {shown(r['reads_usd'])}"
        told += [f"{r['part']}, {r['tier']}: {text}"] * 2 + [""]
    symbols = [symbol, f"{symbol}-open", symbol] * rows.height
    return {"x": x, "y": y, "mode": "lines+markers", "name": rows["part"][0], "text": told,
            "line": {"color": colour, "width": 2},
            "marker": {"symbol": symbols, "size": 9, "color": colour},
            "hovertemplate": "%{text}<extra></extra>"}  # fmt: skip


def _chosen(cells, names, parts, found):
    """A ring around each chosen one, crossed where the budget does not reach."""
    rows = cells.filter("chosen")
    y = [_at(names, t, parts.index(p)) for t, p in rows.select("tier", "part").iter_rows()]
    return {"x": rows["month_usd"].to_list(), "y": y, "mode": "markers", "hoverinfo": "skip",
            "name": "chosen" if found else "over the budget",
            "marker": {"symbol": "circle-open" if found else "circle-x-open", "size": 17,
                       "color": INK, "line": {"width": 2.5}}}  # fmt: skip


def _no_plan(front, ends):
    """What no plan reaches: below the cheapest, and left of the quickest."""
    x, y = [_SEEN_S[0]] * 2, [ends[0], ends[1]]
    last = ends[1]
    for limit, usd in front.select("first_byte_s", "month_usd").iter_rows():
        x, y, last = [*x, limit, limit], [*y, last, usd], usd
    x, y = [*x, _SEEN_S[1], _SEEN_S[1]], [*y, last, ends[0]]
    return {"x": x, "y": y, "mode": "lines", "line": {"width": 0}, "fill": "toself",
            "fillcolor": PALE_ORANGE, "name": "no plan", "hoverinfo": "skip", **_UNNAMED,
            }  # fmt: skip


def _no_plan_word(ends):
    return {"x": [4 * _SEEN_S[0]], "y": [ends[0]], "mode": "text", "text": ["no plan"],
            "textposition": "top right", "textfont": {"color": DARK_ORANGE, "size": 13},
            "name": "no plan", "hoverinfo": "skip", **_UNNAMED}  # fmt: skip


def _cheapest(front):
    x, y = front["first_byte_s"].to_list(), front["month_usd"].to_list()
    waits = [human_time(s) for s in x]
    return {"x": [*x, _SEEN_S[1]], "y": [*y, y[-1]], "mode": "lines+markers", **_UNNAMED,
            "line": {"shape": "hv", "color": INK, "width": 2.5}, "name": "cheapest plan",
            "marker": {"size": [7] * len(x) + [0], "color": INK, "opacity": 1},
            "text": [*waits, waits[-1]],
            "hovertemplate": "from %{text} on: USD %{y:.3g}<extra></extra>"}  # fmt: skip


def _limits(row, ends):
    wait, budget = row["wait_s"], row["budget_usd"]
    return [
        {"x": x, "y": y, "mode": "lines", "name": "your limits", "showlegend": named,
         "line": _DOTTED, "hoverinfo": "skip", **_BELOW}
        for x, y, named in (([wait] * 2, list(ends), True), (list(_SEEN_S), [budget] * 2, False))
    ]  # fmt: skip


def _needed(row):
    """From the reader's limits to what either would have to be; empty where a plan is found."""
    wait, budget = row["wait_s"], row["budget_usd"]
    usd, seconds = row["budget_needed_usd"], row["wait_needed_s"]
    x, y, told = [], [], []
    if usd is not None and not row["found"]:
        x, y, told = [wait, wait, None], [budget, usd, None], ["", f"USD {shown(usd)}", ""]
    if seconds is not None and not row["found"]:
        x, y = [*x, wait, seconds, None], [*y, budget, budget, None]
        told += ["", human_time(seconds), ""]
    return {"x": x, "y": y, "mode": "lines+markers+text", "name": "would do", **_UNNAMED,
            "text": [f"{t} would do" if t else "" for t in told], "line": {"color": ORANGE,
            "width": 3}, "textposition": _sides(wait, seconds, len(x) // 3),
            "marker": {"symbol": "star", "size": [0, 14, 0] * (len(x) // 3), "opacity": 1,
                       "color": DARK_ORANGE},
            "hovertemplate": "%{text}<extra></extra>"}  # fmt: skip


def _sides(wait, seconds, count):
    """Where the words stand: above the plan that costs more, below the one that waits."""
    side = "right" if wait < 60 else "left"
    first = [f"top {side}"] * 3
    second = ["bottom left" if seconds and seconds > 60 else "bottom right"] * 3
    return first + second if count == 2 else first if seconds is None else second


def _yours(row):
    """The plan at the reader's wait; crossed at the limits where there is none."""
    usd = row["total_usd"] if row["found"] else row["budget_usd"]
    look = {"symbol": "circle" if row["found"] else "x", "size": 15, "color": ORANGE}
    return {"x": [row["wait_s"]], "y": [usd], "mode": "markers", **_BELOW,
            "name": "yours" if row["found"] else "yours, no plan",
            "marker": look | {"line": {"color": INK, "width": 2}},
            "hovertemplate": "yours: USD %{y:.3g} a month<extra></extra>"}  # fmt: skip
