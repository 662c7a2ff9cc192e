"""Spans: which are sampled, what bounds them, who else sees them."""
