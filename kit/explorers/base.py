"""The protocol of an explorer, and the one place that turns it into widgets."""

import html
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kit.course.ledger import current
from kit.errors import KitError
from kit.frontend import live
from kit.numbers import shown
from kit.views.html import details, show_figure, table_html
from kit.views.sound import sound


@dataclass(frozen=True)
class Control:
    """One control. kind: "log" (slider over decades), "linear", "whole", "play", "choice", "given".

    A "play" one is "whole" in steps, with a button that moves it while one watches. A "given" one
    is no widget: the caller sets it, and `options` holds the function that checks it.

    label: what it is. unit: shown behind the label. value: at the start.
    low, high, step: range of sliders, in `unit`. options: tuple of texts, for "choice".
    """

    name: str
    label: str
    unit: str
    value: object
    kind: str
    low: float = 0.0
    high: float = 1.0
    step: float = 1.0
    options: tuple = ()

    @property
    def title(self):
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def check(self, value):
        """`value` if the control can take it, else a KitError."""
        if self.kind == "given":
            return self.options[0](value)
        if self.kind == "choice":
            good, allowed = value in self.options, ", ".join(self.options)
        else:
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            good = number and self.low <= value <= self.high
            allowed = f"{self.low:g} to {self.high:g}"
            if self.kind in ("whole", "play"):
                good, allowed = good and value == int(value), f"{allowed}, whole"
        if not good:
            raise KitError(f"{self.name} is out of range", found=value, allowed=allowed)
        return value


@dataclass(frozen=True)
class Explorer:
    """A question with controls.

    compute(**controls) -> polars DataFrame. figure(table) -> plotly Figure with the same number
    of traces whatever the table. summary(table) -> one or two sentences. fallback(table) ->
    the rows and columns worth reading, as DataFrame. sound(table) -> (int16[samples], rate in
    Hz) to listen to, or None; left out by those that have nothing to be heard.
    """

    name: str
    title: str
    controls: tuple[Control, ...]
    compute: Callable
    figure: Callable
    summary: Callable
    fallback: Callable
    sound: Callable | None = None

    @property
    def movable(self):
        """The controls that are widgets."""
        return tuple(c for c in self.controls if c.kind != "given")

    def settings(self, given):
        """dict of control -> value: the defaults with `given` put over them, checked."""
        names = {c.name for c in self.controls}
        if unknown := set(given) - names:
            raise KitError(
                f"explorer {self.name} has no such control",
                found=sorted(unknown),
                allowed=", ".join(sorted(names)),
            )
        return {c.name: c.check(given.get(c.name, c.value)) for c in self.controls}


class Exploration:
    """An explorer with its settings: live widgets, or figure and table where nobody listens."""

    def __init__(self, explorer, settings):
        self.explorer = explorer
        self.settings = explorer.settings(settings)
        self.panel = None
        self._recompute()

    def _recompute(self):
        self.table = self.explorer.compute(**self.settings)

    @property
    def figure(self):
        """plotly Figure of the present settings."""
        return self.explorer.figure(self.table)

    @property
    def summary(self):
        """What the figure says, as text."""
        return self.explorer.summary(self.table)

    def set(self, **settings):
        """Change controls, as a slider would, and redraw in place."""
        self.settings = self.explorer.settings(self.settings | settings)
        self._recompute()
        told = {c.name: self.settings[c.name] for c in self.explorer.movable}
        current().put("settings", self.explorer.name, told)
        if self.panel:
            self.panel.redraw(self)

    @property
    def player(self):
        """Html with a player for what is to be heard, or None."""
        heard = self.explorer.sound and self.explorer.sound(self.table)
        return sound(*heard, self.explorer.title) if heard else None

    def table_html(self):
        return table_html(self.explorer.fallback(self.table), self.explorer.title)

    def live_box(self):
        """The widgets, made on first use."""
        self.panel = self.panel or Panel(self)
        return self.panel.box

    def _ipython_display_(self):
        from IPython.display import HTML, display

        if live():
            display(self.live_box())
            return
        show_figure(self.figure, fallback=False)
        if player := self.player:
            display(player)
        text = f"<p>{html.escape(self.summary)}</p>"
        display(HTML(text + details("The figure as a table", self.table_html())))

    def __repr__(self):
        return f"{self.explorer.title}\n{self.summary}\n{self.explorer.fallback(self.table)}"


class Panel:
    """The widgets of one Exploration: controls, figure, player, sentence, table."""

    def __init__(self, exploration):
        import ipywidgets as w

        explorer = exploration.explorer
        self.inputs = {c.name: _widget(c, exploration.settings[c.name]) for c in explorer.movable}
        picture = live_figure(exploration.figure)
        self.figure = picture.children[-1]
        self.sound, self.text, self.table = w.HTML(), w.HTML(), w.HTML()
        self._write(exploration)
        for name, widget in self.inputs.items():
            widget.observe(lambda change, n=name: exploration.set(**{n: change["new"]}), "value")
        controls = w.VBox([_row(c, self.inputs[c.name]) for c in explorer.movable])
        parts = [controls, picture, *[self.sound] * bool(explorer.sound), self.text, self.table]
        self.box = w.VBox(parts, layout={"width": "100%"})
        self.box.add_class("kit-explorer")

    def redraw(self, exploration):
        """Bring figure, sentence and table up to date: only what changed is sent."""
        new, old = exploration.figure.to_dict(), self.figure.to_dict()
        new["layout"].pop("template", None)  # unchanged, and slow to compare
        with self.figure.batch_update():
            for trace, was, data in zip(self.figure.data, old["data"], new["data"], strict=True):
                trace.update(_changed(was, data), overwrite=True)
            self.figure.layout.update(_changed(old["layout"], new["layout"]))
        self._write(exploration)

    def _write(self, exploration):
        player = exploration.player
        self.sound.value = player.html if player else ""
        self.text.value = (
            f'<p role="status" aria-live="polite">{html.escape(exploration.summary)}</p>'
        )
        self.table.value = details("The figure as a table", exploration.table_html())


def _changed(old, new):
    """The entries of the dict `new` that `old` does not have."""
    return {k: v for k, v in new.items() if k != "type" and not _same(old.get(k), v)}


def _same(a, b):
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a is not None and b is not None and np.array_equal(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and a == b


def live_figure(figure):
    """A plotly figure as a widget that fills the page: VBox of a FitPage and the FigureWidget."""
    import ipywidgets as w
    import plotly.graph_objects as go

    from kit.explorers.fit import FitPage

    widget = go.FigureWidget(figure)
    widget._config = {"responsive": True, "displaylogo": False}
    return w.VBox([FitPage(), widget], layout={"width": "100%"})


def _widget(control, value):
    import ipywidgets as w

    # a wide label column: ipywidgets cuts what does not fit, and aligned sliders read better
    common = {
        "value": value,
        "description": control.title,
        "style": {"description_width": "250px"},
        "layout": {"width": "660px", "max_width": "100%"},
    }
    if control.kind == "choice":
        return w.Dropdown(options=list(control.options), **common)
    if control.kind == "whole":
        return w.IntSlider(min=int(control.low), max=int(control.high), **common)
    if control.kind == "play":
        ends = {"min": int(control.low), "max": int(control.high), "step": int(control.step)}
        return w.IntSlider(**ends, **common)
    if control.kind == "linear":
        return w.FloatSlider(min=control.low, max=control.high, step=control.step, **common)
    options = [(shown(v), v) for v in log_steps(control.low, control.high, value)]
    return w.SelectionSlider(options=options, **common)


def _row(control, widget):
    """The widget; with a Play button beside it where its control can play."""
    import ipywidgets as w
    import traitlets

    from kit.explorers.play import PlayButton

    if control.kind != "play":
        return widget

    play = PlayButton(value=widget.value, low=widget.min, high=widget.max, step=widget.step,
                      label=control.label)  # fmt: skip
    traitlets.link((play, "value"), (widget, "value"))
    widget.layout.width = "540px"  # so that both are as wide as the other controls
    return w.HBox([widget, play], layout={"flex_flow": "row wrap", "width": "100%"})


def log_steps(low, high, value):
    """Round values from `low` to `high`, ten a decade, with the ends and `value` among them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    round_values = (m * 10.0**d for d in decades for m in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8))
    inside = {float(f"{v:.6g}") for v in round_values if low <= v <= high}
    return sorted(inside | {float(low), float(high), float(value)})
