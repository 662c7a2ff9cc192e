"""Types of the compiled values: what Python code may ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

def cleaned(attributes: Mapping[str, Any] | None) -> dict[str, Any]: ...
