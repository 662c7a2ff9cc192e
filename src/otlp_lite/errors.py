"""The exceptions that otlp_lite raises on purpose."""

from __future__ import annotations


class OtlpLiteError(Exception):
    """Whatever otlp_lite raises by itself."""


class ConfigurationError(OtlpLiteError, ValueError):
    """An argument that cannot be used. The message names it, its value, and what is allowed."""
