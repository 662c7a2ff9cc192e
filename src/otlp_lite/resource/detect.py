"""The resource of this process, as the settings and the process itself give it."""

from __future__ import annotations

import os
import sys
from uuid import uuid4

from .._version import __version__
from ..config import Config
from .resource import Resource


def detect(config: Config) -> Resource:
    """A new resource, in the stock SDK's order. Once a process: `service.instance.id` is new in each call.

    https://opentelemetry.io/docs/specs/semconv/resource/#telemetry-sdk
    """
    attributes = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "otlp_lite",
        "telemetry.sdk.version": __version__,
        "service.instance.id": str(uuid4()),
        **config.resource_attributes,
    }
    if not attributes.get("service.name"):
        executable = f":{os.path.basename(sys.executable)}" if sys.executable else ""
        attributes["service.name"] = f"unknown_service{executable}"
    return Resource(attributes)
