"""Picture of the explorer of layouts: what each costs a month, cheapest first."""

import math

from kit.numbers import shown
from kit.views.drift import ROOMY
from kit.views.theme import BLUE, GREY, INK, ORANGE, PALE_GREY, figure

CUT = 5  # bars longer than so many times the shortest are cut
_COLUMN = 1.42  # the axis over its bars: room for the amounts on their right
_ROW_PX = 24
AT_THE_LEFT = {"title_x": 0.015, "title_xref": "container"}  # beside long names it is cut


def cut_at(totals, high):
    """Where an axis of stacked bars ends: at most CUT times the shortest; above 0.

    totals, high: lists of numbers, bars and the ends of their whiskers.
    """
    return min(max(high), CUT * min(totals)) or 1.0


def ticks(top):
    """dict of axis settings: 3 to 6 round numbers from 0 to `top`, where the bars end."""
    step = 10 ** math.floor(math.log10(top / 2))
    step *= 5 if top >= 10 * step else 2 if top >= 5 * step else 1
    values = [float(f"{i * step:.6g}") for i in range(math.floor(top / step * (1 + 1e-9)) + 1)]
    return {"tickvals": values, "ticktext": [shown(x) for x in values], "tickangle": 0}


def stacked(parts, top):
    """list of lists: lengths of stacked bars that end at `top`, part by part.

    parts: list of lists, float[bars] each.
    """
    done, lengths = [0.0] * len(parts[0]), []
    for part in parts:
        ends = [min(d + p, top) for d, p in zip(done, part, strict=True)]
        lengths.append([e - d for e, d in zip(ends, done, strict=True)])
        done = ends
    return lengths


def formats(table):
    """Bars of storage and machine time for each layout; table of the explorer "formats"."""
    top = cut_at(table["total_usd"].to_list(), table["high_usd"].to_list())
    kept = table["rank"].is_not_null()
    storage, machine = stacked([table[c].to_list() for c in ("storage_usd", "machine_usd")], top)
    places = list(range(table.height))
    return figure(
        [_bar(places, storage, kept, table["storage_usd"], "storage", BLUE, ""),
         _bar(places, machine, kept, table["machine_usd"], "machine", ORANGE, "/"),
         _out(places, storage, machine, table, kept), _spread(places, table, kept, top),
         _amounts(places, table, top)],
        _title(table),
        {"title": {"text": "bill, USD a month"}, "range": [0, _COLUMN * top]}
        | ticks(top),
        {"range": [table.height - 0.4, -0.6], "tickvals": places, "ticktext": _names(table),
         "showgrid": False, "automargin": True, "ticks": ""},
        height=190 + _ROW_PX * table.height, barmode="stack", bargap=0.25,
        legend={"traceorder": "normal"}, **AT_THE_LEFT, **ROOMY,
    )  # fmt: skip


def _title(table):
    first, near = table.row(0, named=True), table["near"].sum()
    if first["rank"] is None:
        return "No layout keeps the limits"
    ties = f", {near} near tie{'s' * (near > 1)}" if near else ""
    return f"{first['name']} is cheapest: USD {shown(first['total_usd'])} a month{ties}"


def _names(table):
    """The first in bold, near ties and those that a limit excludes with a sign before them."""
    return [("<b>{}</b>" if r["rank"] == 1 else "≈ {}" if r["near"] else
             "{}" if r["rank"] else "✕ {}").format(r["name"])
            for r in table.iter_rows(named=True)]  # fmt: skip


def _bar(places, lengths, kept, usd, name, colour, pattern):
    return {"type": "bar", "orientation": "h", "y": places, "name": name,
            "x": [x if k else None for x, k in zip(lengths, kept, strict=True)],
            "marker": {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay",
                                                   "fgcolor": "white", "size": 7}},
            "customdata": usd.to_list(),
            "hovertemplate": f"{name}: USD %{{customdata:.4g}} a month<extra></extra>",
            }  # fmt: skip


def _out(places, storage, machine, table, kept):
    """What excluded layouts would cost, and why they are out."""
    both = [None if k else s + m for s, m, k in zip(storage, machine, kept, strict=True)]
    return {"type": "bar", "orientation": "h", "y": places, "x": both, "name": "out by a limit ✕",
            "marker": {"color": PALE_GREY, "line": {"color": GREY, "width": 1},
                       "pattern": {"shape": "x", "fgcolor": GREY, "size": 6}},
            "text": table["out"].to_list(), "textposition": "none",
            "customdata": table["total_usd"].to_list(),
            "hovertemplate": "out: %{text}; USD %{customdata:.4g} a month<extra></extra>",
            }  # fmt: skip


def _spread(places, table, kept, top):
    """Whiskers from low to high at the end of each bar; an arrow at one that is cut."""
    cut = (table["total_usd"] > top).to_list()
    total = table["total_usd"].clip(upper_bound=top)
    low, high = (table[c].clip(upper_bound=top) for c in ("low_usd", "high_usd"))
    symbols = ["triangle-right" if c else "line-ns" for c in cut]
    return {"x": total.to_list(), "y": places, "mode": "markers", "name": "10 to 90 % of rounds",
            "marker": {"symbol": symbols, "size": [11 if c else 8 for c in cut], "color": INK,
                       "line": {"color": INK, "width": 1.5}},
            "error_x": {"type": "data", "symmetric": False, "color": INK, "thickness": 1.5,
                        "width": 4, "array": _none_where(cut, high - total),
                        "arrayminus": _none_where(cut, total - low)},
            "customdata": table.select("low_usd", "high_usd").rows(),
            "hovertemplate": "USD %{customdata[0]:.4g} to %{customdata[1]:.4g}<extra></extra>",
            }  # fmt: skip


def _none_where(cut, lengths):
    return [None if c else x for c, x in zip(cut, lengths, strict=True)]


def _amounts(places, table, top):
    """What each costs; of those that are out, the first limit that they miss."""
    texts = [shown(r["total_usd"]) if r["rank"] else r["out"].split(", ")[0]
             for r in table.iter_rows(named=True)]  # fmt: skip
    return {"x": [_COLUMN * top] * len(places), "y": places, "mode": "text", "text": texts,
            "textposition": "middle left", "textfont": {"size": 12, "color": INK},
            "name": "USD a month", "showlegend": False, "hoverinfo": "skip"}  # fmt: skip
