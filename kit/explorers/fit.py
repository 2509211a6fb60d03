"""Make figures fill the page: plotly draws a widget before it knows how wide the page is."""

import anywidget


class FitPage(anywidget.AnyWidget):
    """Invisible line as wide as the page; tells figures to resize when it appears or changes."""

    _esm = """
    export default {
      render({ el }) {
        el.style.width = "100%";
        const tell = () => window.dispatchEvent(new Event("resize"));
        const watch = new ResizeObserver(tell);
        watch.observe(el);
        return () => watch.disconnect();
      },
    };
    """
