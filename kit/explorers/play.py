"""A button that moves a slider by itself: ipywidgets has one, but its buttons have no names."""

import anywidget
import traitlets


class PlayButton(anywidget.AnyWidget):
    """Play and Pause. Adds `step` to `value` every `interval_ms` until `high`, then stops.

    label: what it moves, for those who hear the button. Pressed at `high` it begins at `low`.
    """

    value = traitlets.Int().tag(sync=True)
    low = traitlets.Int().tag(sync=True)
    high = traitlets.Int().tag(sync=True)
    step = traitlets.Int(1).tag(sync=True)
    interval_ms = traitlets.Int(700).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)

    _esm = """
    export default {
      render({ model, el }) {
        const button = document.createElement("button");
        let timer = null;
        const show = () => {
          button.textContent = timer === null ? "Play" : "Pause";
          button.setAttribute("aria-label", button.textContent + ": " + model.get("label"));
        };
        const stop = () => { clearInterval(timer); timer = null; show(); };
        const set = (value) => { model.set("value", value); model.save_changes(); };
        const step = () => {
          const next = Math.min(model.get("value") + model.get("step"), model.get("high"));
          set(next);
          if (next >= model.get("high")) stop();
        };
        button.type = "button";
        button.className = "jupyter-button";
        button.style.width = "110px";
        button.onclick = () => {
          if (timer !== null) return stop();
          if (model.get("value") >= model.get("high")) set(model.get("low"));
          timer = setInterval(step, model.get("interval_ms"));
          show();
        };
        show();
        el.appendChild(button);
        return () => clearInterval(timer);
      },
    };
    """
