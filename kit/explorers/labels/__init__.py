"""Explorers of the lesson on labels: prices, who labels what, what to label next, kappa."""
