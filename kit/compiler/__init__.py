"""The data set compiler: from raw recordings to a versioned, feature-ready set."""
