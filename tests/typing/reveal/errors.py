"""What the errors of a receipt, and a StateError, tell."""

from __future__ import annotations

from opentelemetry.trace import SpanContext
from typing_extensions import assert_type

from otlp_lite import Dropped, EndedSpan, NotExported, NotSampled, Rejected, StateError, WaitTimeout


def reason(ended: EndedSpan) -> str:
    try:
        return str(ended.wait(1.0))
    except Dropped as error:
        assert_type(error.reason, str)
        return error.reason
    except Rejected as error:
        assert_type(error.rejected, int)
        assert_type(error.records, int)
        return ""
    except (NotSampled, WaitTimeout) as error:
        assert_type(error.span_context, SpanContext)
        return ""
    except NotExported as error:
        assert_type(error.span_context, SpanContext)
        return ""
    except StateError as error:
        assert_type(error.state, str)
        assert_type(error.call, str)
        assert_type(error.legal, tuple[str, ...])
        return ""
