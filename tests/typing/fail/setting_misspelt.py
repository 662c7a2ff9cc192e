"""A setting that does not exist is no argument."""

from __future__ import annotations

import otlp_lite

otlp_lite.configure(service_name="shop")
otlp_lite.configure(servicename="shop")  # fails: call-arg, reportCallIssue
