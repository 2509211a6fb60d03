"""Picture of the explorer on bandwidth: what storage brings against the need, and who waits."""

import html
import math

from kit.numbers import human_time, shown
from kit.views.theme import BLUE, DARK_ORANGE, GREEN, GREY, INK, ORANGE, figure

_BOUND = (  # bound_by, name, colour, pattern
    ("device", "keeps up: the device is the limit", GREEN, ""),
    ("storage", "too slow: storage is the limit", ORANGE, "/"),
)
_PREFIXES = ((1.0, 1.0, "GB/s"), (1e-3, 1e3, "MB/s"), (1e-6, 1e6, "kB/s"),
             (0.0, 1e9, "B/s"))  # from, factor, unit  # fmt: skip
_NAME_LENGTH = 18  # characters of a row's name that are drawn
_RIGHT = {"xaxis": "x2"}
_LOADING = (  # column, name, colour, symbol
    ("turn_percent", "waits, loading in turn", DARK_ORANGE, "diamond-open"),
    ("ahead_percent", "waits, loading ahead", BLUE, "circle"),
)


def bandwidth(table):
    """Rates against the need, and the share of waiting; table of the explorer "bandwidth"."""
    row = table.row(0, named=True)
    ends = _ends(table)
    fed = table.filter(bound_by="device").height
    traces = [
        *(_bars(table, *look) for look in _BOUND), _need(row["need_gbs"], table.height),
        _hidden(table), *(_waits(table, *look) for look in _LOADING), _told(table),
    ]  # fmt: skip
    return figure(
        traces, _title(row, fed, table.height), _rate_axis(ends, row["order"]), _rows(table),
        height=260 + 40 * table.height, barmode="overlay", bargap=0.35,
        margin={"l": 155, "r": 10, "t": 150, "b": 60}, title_y=0.97, title_yanchor="top",
        xaxis2={"title": {"text": "waits, % of time"}, "domain": [0.62, 1], "range": [-9, 165],
                "tickvals": [0, 50, 100], "anchor": "y"},
    )  # fmt: skip


def rate(gbs):
    """A rate as text, in the unit that makes it short. gbs: GB/s."""
    factor, unit = next((f, u) for least, f, u in _PREFIXES if gbs >= least)
    return f"{shown(factor * gbs)} {unit}"


def _title(row, fed, count):
    name, each = row["consumer"], f", {row['units']} of each" if row["units"] > 1 else ""
    need, verb = rate(row["need_gbs"]), "keeps" if fed == 1 else "keep"
    return f"{name[0].upper()}{name[1:]}<br>{need} needed: {fed} of {count} {verb} up{each}"


def _ends(table):
    """(low, high) in GB/s: whole decades around all, so that the axis stays for most moves."""
    found = [*table["have_gbs"], table["need_gbs"][0]]
    return (10.0 ** math.floor(math.log10(min(found)) - 0.2),
            10.0 ** math.ceil(math.log10(max(found)) + 0.2))  # fmt: skip


def _rate_axis(ends, order):
    low, high = (round(math.log10(x)) for x in ends)
    ticks = [10.0**d for d in range(low, high, math.ceil((high - low) / 4))]
    return {"type": "log", "title": {"text": f"brings {_order(order)}, per second"},
            "domain": [0, 0.57], "range": [low, high], "tickvals": ticks, "tickangle": 0,
            "ticktext": [rate(t).removesuffix("/s") for t in ticks]}  # fmt: skip


def _order(order):
    return order.split(",")[0].replace("any", "in any")


def _rows(table):
    return {"range": [table.height - 0.4, -0.6], "tickvals": list(range(table.height)),
            "ticktext": [_row_name(r) for r in table.to_dicts()], "tickfont": {"size": 13},
            "showgrid": False}  # fmt: skip


def _row_name(row):
    """The name, the reader's own in bold; below it what it brings, and how many would do."""
    name = f"<b>{_short(row['tier'])}</b>" if row["own"] else _short(row["tier"])
    if row["restore_s"]:
        name += f", after {human_time(row['restore_s'])}"
    told = rate(row["have_gbs"])
    if row["bound_by"] != "device":
        needed = row["units_needed"]
        told += ", never enough" if needed is None else f", needs {shown(needed)}"
    return f"{name}<br><span style='font-size:12px'>{told}</span>"


def _short(name):
    return html.escape(name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…")


def _bars(table, bound, name, colour, pattern):
    """Bars of those that `bound` limits: on a logarithmic axis they start at its end."""
    rows = table.with_row_index("row").filter(bound_by=bound)
    return {"type": "bar", "orientation": "h", "name": name, "x": rows["have_gbs"].to_list(),
            "y": rows["row"].to_list(),
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "customdata": [f"{html.escape(r['tier'])}: {rate(r['have_gbs'])}"
                           for r in rows.to_dicts()],
            "hovertemplate": "%{customdata}<extra></extra>"}  # fmt: skip


def _need(need, count):
    return {"x": [need, need], "y": [-0.6, count - 0.4], "mode": "lines", "name": "needed",
            "line": {"color": INK, "dash": "dash", "width": 2.5},
            "hovertemplate": f"needed: {rate(need)}<extra></extra>"}  # fmt: skip


def _hidden(table):
    """Lines between both ways of loading: what loading ahead hides."""
    x, y = [], []
    for i, (one, other) in enumerate(table.select("turn_percent", "ahead_percent").iter_rows()):
        x, y = [*x, one, other, None], [*y, i, i, None]
    return {"x": x, "y": y, "mode": "lines", "line": {"color": GREY, "width": 3},
            "showlegend": False, "hoverinfo": "skip", "name": "hidden", **_RIGHT}  # fmt: skip


def _waits(table, column, name, colour, symbol):
    return {"x": table[column].to_list(), "y": list(range(table.height)), "mode": "markers",
            "name": name, "cliponaxis": False,
            "marker": {"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2}},
            "hovertemplate": f"{name}: %{{x:.3g}} %<extra></extra>", **_RIGHT}  # fmt: skip


def _told(table):
    return {"x": [110] * table.height, "y": list(range(table.height)), "mode": "text",
            "text": [f"{shown(x, 2)} %" for x in table["ahead_percent"]], "name": "told",
            "textposition": "middle right", "textfont": {"color": BLUE, "size": 13},
            "showlegend": False, "hoverinfo": "skip", **_RIGHT}  # fmt: skip
