"""Who records: the resource of this process, and the scope of a tracer."""

from __future__ import annotations

from .detect import detect
from .resource import Resource
from .scope import InstrumentationScope

__all__ = ["InstrumentationScope", "Resource", "detect"]
