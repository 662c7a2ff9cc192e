"""The rows of the table and the targets that they are held to, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple

from peers import EXPORTERS, OURS, PEERS

CPYTHON = "CPython"  # where the kernels' tables are named
TWIN = ".twin"
TWIN_LIMIT = 2.5  # times the plain row


class Row(NamedTuple):
    """One line of the table. `scenario` names the worker's function that measures it."""

    key: str
    title: str
    unit: str
    scenario: str
    peers: tuple[str, ...]
    has_twin: bool = False
    more_is_better: bool = False


_ALL = tuple(PEERS)

ROWS = {
    row.key: row
    for row in (
        Row("loop", "the loop itself (in every row below, not subtracted)", "us", "calls", (OURS,), True),
        Row("start_end", "start_span, end", "us", "calls", _ALL, True),
        Row("current", "start_as_current_span", "us", "calls", _ALL, True),
        Row("current5", "start_as_current_span, 5 set_attribute", "us", "calls", _ALL, True),
        Row("dict4", "start_as_current_span with a dict of 4", "us", "calls", _ALL, True),
        Row("leaf4", "a leaf of a schema with 4 values, entered by `with`", "us", "calls", (OURS,), True),
        Row("traced", "an empty function that is traced", "us", "calls", (OURS,), True),
        Row(
            "builder5", "a span of a SpanBuilder, 5 set_attribute, its receipt", "us", "calls", (OURS,), True
        ),
        Row("set", "set_attribute of a span", "us", "calls", (OURS,)),
        Row("set_guarded", "set_attribute of a LiveSpan", "us", "calls", (OURS,)),
        Row(
            "current_via_proxy",
            "start_as_current_span, tracer of the API taken before set-up",
            "us",
            "calls",
            EXPORTERS,
            True,
        ),
        Row(
            "current_via_early",
            "start_as_current_span, otlp_lite.get_tracer before configure",
            "us",
            "calls",
            (OURS,),
            True,
        ),
        Row(
            "current5_via_file",
            "start_as_current_span, 5 set_attribute, with region_dir on a tmpfs",
            "us",
            "filed",
            (OURS,),
        ),
        Row(
            "current5_via_open",
            "start_as_current_span, 5 set_attribute, with region_dir and its open spans",
            "us",
            "opened",
            (OURS,),
        ),
        Row("unsampled_current5", "unsampled: with 5 set_attribute", "us", "unsampled", _ALL, True),
        Row("cpu", "CPU of the process per exported span with 5 set_attribute", "us", "cpu", EXPORTERS, True),
        Row(
            "paced",
            "highest paced rate that arrives whole",
            "spans/s",
            "paced",
            EXPORTERS,
            more_is_better=True,
        ),
        Row(
            "drain",
            "arriving while the GIL is held recording",
            "spans/s",
            "drain",
            EXPORTERS,
            more_is_better=True,
        ),
        Row("rss_http", "RSS over the API, HTTP", "MB", "memory", EXPORTERS),
        Row("rss_https", "RSS over the API, https", "MB", "memory", EXPORTERS),
        Row("import", "import, over opentelemetry.trace", "ms", "setup", EXPORTERS),
        Row("setup", "set-up, after the import", "ms", "setup", EXPORTERS),
        Row("ready", "import and set-up", "ms", "setup", EXPORTERS),
        Row("first_span", "until the first span has arrived", "ms", "setup", EXPORTERS),
    )
}


class CRow(NamedTuple):
    """What `build/bench/record NAME COUNT` measures."""

    name: str
    title: str


C_ROWS = (
    CRow("encode", "encode a span of 4 attributes"),
    CRow("record", "record a span of 4 attributes whole"),
    CRow("durable", "the same in a region that outlives its process"),
    CRow("open", "the same, told of while it is open"),
    CRow("json", "write such a span, once recorded, as OTLP/JSON"),
)


class Target(NamedTuple):
    """`row` of ours is `at_least` times better than `against`; without a peer, no worse than that value.
    Bounded by a `max` against a peer, it is what ours takes of that.

    A row of `kernel:NAME:DATA:N` is the best table of build/bench/kernels against its scalar one.
    """

    row: str
    against: str | None
    at_least: float
    aim: float | None
    unit: str = "x"
    bound: Literal["min", "max"] = "min"
    of: str | None = None
    """The row of `against`, where it is another; in ns, by how much ours takes more than that."""


TARGETS = (
    Target("current5", "opentelemetry-sdk", 30, 40),
    Target("current5", "fastotel", 25, 35),
    Target("current5", "honeycomb-pycpp", 18, 27),
    Target("current5", "api", 4.5, 6.5),
    Target("unsampled_current5", "api", 6, 8),
    Target("leaf4", OURS, 2.5, 3.5, of="dict4"),
    Target("leaf4", "opentelemetry-sdk", 80, 105, of="current5"),
    Target("traced", OURS, 1.3, None, bound="max", of="current"),
    Target("builder5", OURS, 1.3, None, bound="max", of="current5"),
    Target("set_guarded", OURS, 5, None, "ns", "max", of="set"),  # more than that
    Target("current5_via_file", OURS, 1.1, None, bound="max", of="current5"),
    Target("current5_via_open", OURS, 1.2, None, bound="max", of="current5"),
    Target("cpu", "opentelemetry-sdk", 40, 60),
    Target("cpu", "fastotel", 18, 28),
    Target("cpu", "honeycomb-pycpp", 17, 26),
    Target("paced", "opentelemetry-sdk", 10, 30),
    Target("drain", None, 250_000, 500_000, "spans/s"),
    Target("rss_http", None, 10, 7, "MB", "max"),
    Target("rss_https", None, 16, 12, "MB", "max"),
    Target("ready", None, 12, 5, "ms", "max"),
    Target("encode", None, 60, 35, "ns", "max"),
    Target("record", None, 120, 70, "ns", "max"),
    Target("json", None, 6500, 1400, "ns", "max"),  # 32 and 150 MiB/s of its 219 bytes of protobuf
    # The aims are the ratios that AVX2 or the SSE4.2 instruction reached in a first trial at the same sizes.
    Target("kernel:hex_encode:random:16", "scalar", 4, 6),
    Target("kernel:latin1_to_utf8:20% non-ASCII:256", "scalar", 4, 5.1),
    Target("kernel:crc32c:random:4096", "scalar", 5, 5.4),
)
