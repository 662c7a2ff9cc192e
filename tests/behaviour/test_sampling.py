"""Samplers decide, their plans say, and limits resolve, as the stock SDK's do."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits as StockLimits
from opentelemetry.sdk.trace import sampling as stock
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from otlp_lite.config import LIMITS
from otlp_lite.errors import ConfigurationError
from otlp_lite.parse import SAMPLERS
from otlp_lite.testing import collect
from otlp_lite.traces import sampling as ours
from otlp_lite.traces.limits import SpanLimits
from otlp_lite.traces.sampling import Plan


def make(module: Any) -> list[Any]:
    """The same samplers, of either module."""
    ratio = module.TraceIdRatioBased(0.3)
    return [
        module.ALWAYS_ON,
        module.ALWAYS_OFF,
        *(module.TraceIdRatioBased(rate) for rate in (0.0, 1e-9, 0.5, 1.0)),
        module.DEFAULT_ON,
        module.DEFAULT_OFF,
        module.ParentBasedTraceIdRatio(0.5),
        module.ParentBased(ratio, ratio, module.ALWAYS_ON, module.ALWAYS_OFF, module.TraceIdRatioBased(0.9)),
        module.ParentBased(module.DEFAULT_ON, module.ALWAYS_OFF, ratio, ratio, module.ALWAYS_ON),
    ]


def parents() -> list[Context | None]:
    state = TraceState([("vendor", "1")])
    contexts: list[Context | None] = [trace.set_span_in_context(trace.INVALID_SPAN), None]
    for remote, flags in itertools.product((False, True), (0, 1)):
        context = SpanContext(7, 9, is_remote=remote, trace_flags=TraceFlags(flags), trace_state=state)
        contexts.append(trace.set_span_in_context(NonRecordingSpan(context)))
    return contexts


def follow(plan: Plan, trace_id: int, parent: SpanContext) -> bool:
    """What the compiled tracer makes of a plan."""
    match plan:
        case ("always_on",):
            return True
        case ("always_off",):
            return False
        case ("ratio", bound):
            return bool(trace_id & ((1 << 64) - 1) < bound)
        case ("parent", root, remote, remote_not, local, local_not):
            if not parent.is_valid:
                return follow(root, trace_id, parent)
            sampled = parent.trace_flags.sampled
            inner = (
                (remote if sampled else remote_not) if parent.is_remote else (local if sampled else local_not)
            )
            return follow(inner, trace_id, parent)
    raise AssertionError(plan)


@pytest.mark.parametrize("index", range(len(make(ours))))
def test_decides_as_the_stock_sampler_and_as_its_plan(index: int) -> None:
    mine, theirs = make(ours)[index], make(stock)[index]
    assert mine.get_description() == theirs.get_description()
    chance = random.Random(index)
    ids = [0, 1, (1 << 64) - 1, 1 << 63, (1 << 128) - 1] + [chance.getrandbits(128) for _ in range(200)]
    decided = set()
    for context, trace_id in itertools.product(parents(), ids):
        got = mine.should_sample(context, trace_id, "op", attributes={"a": 1})
        want = theirs.should_sample(context, trace_id, "op", attributes={"a": 1})
        assert got.decision.name == want.decision.name
        assert dict(got.attributes) == dict(want.attributes)
        assert got.trace_state == want.trace_state
        parent = trace.get_current_span(context).get_span_context()
        assert follow(mine.plan(), trace_id, parent) == got.decision.is_sampled()
        decided.add(got.decision)
    assert decided


def test_a_subclass_or_a_foreign_sampler_has_no_plan() -> None:
    class Mine(ours.TraceIdRatioBased):
        pass

    class Parent(ours.ParentBased):
        pass

    assert Mine(0.5).plan() is None
    assert Parent(ours.ALWAYS_ON).plan() is None
    assert ours.ParentBased(Mine(0.5)).plan() is None
    foreign: Any = stock.ALWAYS_ON
    assert ours.ParentBased(ours.ALWAYS_ON, local_parent_sampled=foreign).plan() is None
    decision: object = ours.ParentBased(foreign).should_sample(None, 1, "op").decision
    assert decision is stock.Decision.RECORD_AND_SAMPLE


def test_decisions_say_what_they_mean() -> None:
    theirs: Any
    for mine, theirs in zip(ours.Decision, stock.Decision, strict=True):
        assert (mine.name, mine.value) == (theirs.name, theirs.value)
        assert (mine.is_recording(), mine.is_sampled()) == (theirs.is_recording(), theirs.is_sampled())


@pytest.mark.parametrize("rate", [1, 1.0])
def test_a_rate_of_one_takes_every_trace(rate: float) -> None:
    highest = (1 << 64) - 1
    assert ours.TraceIdRatioBased.get_bound_for_rate(rate) == highest + 1
    assert ours.TraceIdRatioBased(rate).should_sample(None, highest, "op").decision.is_sampled()


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_probability(rate: float) -> None:
    with pytest.raises(ValueError, match="Probability must be in range"):
        ours.TraceIdRatioBased(rate)


@pytest.mark.parametrize("name", SAMPLERS)
def test_names_are_the_variable_s(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    assert ours.by_name(name, 0.25).get_description() == stock._get_from_env_or_default().get_description()


def limits_of(limits: object) -> dict[str, object]:
    return {name: getattr(limits, name) for name, _, _ in LIMITS}


def test_limits_resolve_as_in_the_stock_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    seen: set[tuple[object, ...]] = set()
    for _ in range(3000):
        arguments, variables = {}, {}
        for name, variable, _ in LIMITS:
            if chance.random() < 0.3:
                arguments[name] = chance.choice([None, SpanLimits.UNSET, 0, 1, 5, 128])
            if chance.random() < 0.3:
                variables[variable] = chance.choice(["", " ", "0", "7", " 9 ", "200"])
        with monkeypatch.context() as patch:
            for _, variable, _ in LIMITS:
                patch.delenv(variable, raising=False)
            for variable, text in variables.items():
                patch.setenv(variable, text)
            got, want = limits_of(SpanLimits(**arguments)), limits_of(StockLimits(**arguments))
        assert got == want, (arguments, variables)
        seen.update(got.items())
    assert {(name, None) for name, _, _ in LIMITS if name != "max_attributes"} <= seen


@pytest.mark.parametrize(("name", "variable", "doc"), LIMITS)
def test_a_bad_limit_is_refused_as_in_the_stock_sdk(name: str, variable: str, doc: str) -> None:
    with pytest.raises(ValueError):
        StockLimits(**{name: -2})
    bad: list[Any] = [-2, 1.5, "128", True]
    for value in bad:
        with pytest.raises(ConfigurationError) as raised:
            SpanLimits(**{name: value})
        assert str(raised.value).startswith(f"{name}={value!r}: expected a whole number")


@pytest.mark.parametrize(("name", "variable", "doc"), LIMITS)
def test_a_bad_variable_is_warned_of(
    name: str, variable: str, doc: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    default = SpanLimits()
    for text in ("-1", "many", "1.5"):
        caplog.clear()
        monkeypatch.setenv(variable, text)
        assert SpanLimits() == default
        assert (
            len(caplog.messages) == 1 and variable in caplog.messages[0] and repr(text) in caplog.messages[0]
        )


def test_a_sampler_of_the_program_is_called_whatever_its_attributes_are() -> None:
    class Planned:
        plan = "gold"

        def should_sample(self, *arguments: Any, **named: Any) -> ours.SamplingResult:
            return ours.SamplingResult(ours.Decision.RECORD_AND_SAMPLE)

    with collect(sampler=Planned()) as collected:
        collected.tracer_provider.get_tracer("x").start_span("a").end()
        assert len(collected.requests()) == 1
