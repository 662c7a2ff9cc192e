"""The resource of a process equals the stock SDK's, but for what names the SDK and the instance."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource as StockResource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope as StockScope

from otlp_lite.config import load
from otlp_lite.resource import InstrumentationScope, Resource, detect

OWN = {"telemetry.sdk.name", "telemetry.sdk.version", "service.instance.id"}

CASES = [
    ({}, {}),
    ({}, {"OTEL_SERVICE_NAME": "shop"}),
    ({}, {"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=x,c=d%20e"}),
    ({}, {"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=x", "OTEL_SERVICE_NAME": "y"}),
    ({}, {"OTEL_RESOURCE_ATTRIBUTES": "service.name="}),
    ({}, {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=7,telemetry.sdk.language=x"}),
    ({"a": 1, "b": [1, 2], "c": None}, {"OTEL_RESOURCE_ATTRIBUTES": "z=1,a=2", "OTEL_SERVICE_NAME": "y"}),
    ({"service.name": "code", "q": b"\0"}, {"OTEL_RESOURCE_ATTRIBUTES": "z=1", "OTEL_SERVICE_NAME": "y"}),
    ({"service.instance.id": "mine", "nested": {"a": {"b": 1}}}, {}),
]


@pytest.mark.parametrize(("attributes", "environ"), CASES)
def test_equals_the_stock_resource(
    attributes: dict[str, Any], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"):
        monkeypatch.delenv(variable, raising=False)
    for variable, text in environ.items():
        monkeypatch.setenv(variable, text)
    ours = detect(load({"resource_attributes": attributes}))
    theirs = StockResource.create(attributes)
    assert list(ours.attributes) == list(theirs.attributes)
    given = set(attributes) | {
        item.split("=")[0] for item in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")
    }
    for key, value in theirs.attributes.items():
        if key not in OWN or key in given:
            assert ours.attributes[key] == value
    assert ours.attributes["telemetry.sdk.name"] == "otlp_lite"
    assert ours.schema_url == theirs.schema_url


def test_the_service_name_argument_wins() -> None:
    config = load(
        {"service_name": "arg", "resource_attributes": {"service.name": "attr", "z": 1}},
        {"OTEL_SERVICE_NAME": "var"},
    )
    assert detect(config).attributes["service.name"] == "arg"


def test_each_detection_has_an_instance_of_its_own() -> None:
    config = load({}, {})
    ids = {detect(config).attributes["service.instance.id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", i) for i in ids
    )
    mine = load({}, {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=mine"})
    assert detect(mine).attributes["service.instance.id"] == "mine"


Arguments = tuple[Any, ...]

RESOURCES: list[Arguments] = [
    ({}, None),
    ({"a": 1}, ""),
    ({"a": 2, "b": [1]}, "s1"),
    ({"c": {"d": b"\1"}}, "s1"),
    ({"a": 1}, "s2"),
]


@pytest.mark.parametrize("mine", RESOURCES)
@pytest.mark.parametrize("other", RESOURCES)
def test_merge_as_in_the_stock_sdk(
    mine: Arguments, other: Arguments, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    merged = Resource(*mine).merge(Resource(*other))
    ours, caplog_ours = merged, len(caplog.records)
    caplog.clear()
    theirs = StockResource(*mine).merge(StockResource(*other))
    assert list(ours.attributes.items()) == list(theirs.attributes.items())
    assert ours.schema_url == theirs.schema_url
    assert ours.to_json() == theirs.to_json()
    assert caplog_ours == len(caplog.records)


def test_resources_are_values() -> None:
    for index, one in enumerate(RESOURCES):
        for other_index, other in enumerate(RESOURCES):
            same = Resource(*one) == Resource(*other)
            assert same == (StockResource(*one) == StockResource(*other)) == (index == other_index)
            if same:
                assert hash(Resource(*one)) == hash(Resource(*other))
    with pytest.raises(TypeError):
        Resource({"a": 1}).attributes["a"] = 2  # type: ignore[index]
    assert Resource({}) != 3


def test_scopes_are_values_like_the_stock_ones() -> None:
    cases: list[Arguments] = [
        ("a",),
        ("a", "1"),
        ("a", "1", "s"),
        ("a", "1", "s", {"x": (1, 2)}),
        ("a", "1", "s", {"x": (1, 3)}),
    ]
    for one in cases:
        mine, theirs = InstrumentationScope(*one), StockScope(*one)
        assert (mine.name, mine.version, mine.schema_url) == (theirs.name, theirs.version, theirs.schema_url)
        assert dict(mine.attributes) == dict(theirs.attributes or {})
        assert mine.to_json() == theirs.to_json() and repr(mine) == repr(theirs)
        for other in cases:
            assert (mine == InstrumentationScope(*other)) == (one == other)
        assert hash(mine) == hash(InstrumentationScope(*one))


def test_the_name_of_a_service_that_has_none_is_the_executable_s() -> None:
    code = (
        "from otlp_lite.config import load; from otlp_lite.resource import detect;"
        "print(detect(load({}, {})).attributes['service.name'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    stock = StockResource.create().attributes["service.name"]
    assert done.stdout.strip() == stock and stock.startswith("unknown_service:")
