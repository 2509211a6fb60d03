"""Functions compiled by numba, kept on disk where that is possible. Needs numba."""

from numba import njit


def compiled(function):
    """`function`, compiled at its first call; it runs without the lock of the interpreter."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder to write: compile anew in every process
        return njit(nogil=True)(function)
