"""Sound: exact decoding. Nothing here changes samples silently."""
