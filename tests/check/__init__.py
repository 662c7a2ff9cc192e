"""The checker of `otlp_lite lint`: what bad/ marks is found, good/ is silent."""
