"""Student code run alone: an isolated process that answers calls of its functions."""
