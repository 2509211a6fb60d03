"""What students hand in: looked at, put back into the released notebook, collected."""
