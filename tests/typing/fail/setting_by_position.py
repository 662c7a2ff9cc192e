"""Settings are named."""

from __future__ import annotations

import otlp_lite

otlp_lite.configure()
otlp_lite.configure("shop")  # fails: call-arg|misc, reportCallIssue
