"""The checker behind `python -m otlp_lite lint`: of how spans are used, what types cannot see."""
