"""The checker behind `python -m otlp_lite lint`: what types cannot see of how spans are used. Standard library alone."""
