"""Is a person looking? Decides between live widgets and plain figures."""

import os
import sys


def show_progress():
    """True where a progress bar can be seen and goes away again: a terminal or a live notebook."""
    return live() or sys.stderr.isatty()


def live():
    """True in a notebook that a front end has opened; False in execution, grading and export.

    Jupyter servers name the notebook in JPY_SESSION_NAME when they start its kernel; programs
    that only execute notebooks do not. KIT_HEADLESS=1 forces False, KIT_LIVE=1 forces True.
    """
    if os.environ.get("KIT_HEADLESS") == "1":
        return False
    if os.environ.get("KIT_LIVE") == "1":
        return True
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    if getattr(get_ipython(), "kernel", None) is None:
        return False
    return any(k in os.environ for k in ("JPY_SESSION_NAME", "VSCODE_PID", "COLAB_RELEASE_TAG"))
