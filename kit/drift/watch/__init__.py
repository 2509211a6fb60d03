"""The parts of a monitor: what a batch is counted into, what is tested, alerts, streams, files."""
