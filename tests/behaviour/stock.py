"""The stock SDK as a World."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import TracerProvider as StockProvider
from world import World


class Stock(World):
    """The stock SDK, for what its calls raise; it exports nothing."""

    def __init__(self, sampler: Any = None, id_generator: Any = None, span_processors: Any = ()) -> None:
        provider = StockProvider(sampler=sampler, id_generator=id_generator, shutdown_on_exit=False)
        for processor in span_processors:
            provider.add_span_processor(processor)
        super().__init__(provider)
