"""The course itself: lessons, predictions, reports, question pools, building and checking."""
