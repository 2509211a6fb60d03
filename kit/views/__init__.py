"""Tables in, plotly figures and HTML out. No computation, no state."""
