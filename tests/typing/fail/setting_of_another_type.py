"""A setting has a type."""

from __future__ import annotations

import otlp_lite

otlp_lite.configure(timeout=1.5, headers={"a": "b"})
otlp_lite.configure(timeout="1.5")  # fails: arg-type, reportArgumentType
otlp_lite.configure(headers=[("a", "b")])  # fails: arg-type, reportArgumentType
otlp_lite.configure(disabled="true")  # fails: arg-type, reportArgumentType
