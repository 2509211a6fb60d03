"""Experiments on stored data: layouts, codecs, a past that changed, features from the future."""
