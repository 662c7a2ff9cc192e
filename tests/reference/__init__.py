"""A slow, obvious second implementation of tracing and its wire format: what others are checked against."""
