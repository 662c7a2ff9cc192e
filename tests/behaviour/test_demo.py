"""`python -m otlp_lite demo` shows traces, figures and losses of its own run, and ends by itself, cleanly."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clock import Clock

from otlp_lite.cli.demo import VARIANTS, Contestant
from otlp_lite.cli.demo_child import Child

TRACED = [name for name in VARIANTS if name != "none"]
DEMO = [sys.executable, "-m", "otlp_lite", "demo"]

WATERFALL = r"""^trace \w{32} .*
  POST /checkout/<int:user> +server .*
  ├─ load cart .*
  │  └─ sqlite query .*
  ├─ price .*
  └─ charge card """


def start(*options: str, without: str = "", directory: Path | None = None) -> subprocess.Popen[str]:
    """The demo without a terminal; `without` names modules that its processes cannot import."""
    environment = dict(os.environ)
    if directory:
        blocked = f"import sys\nfor name in {without.split()!r}: sys.modules[name] = None\n"
        (directory / "sitecustomize.py").write_text(blocked)
        environment["PYTHONPATH"] = os.pathsep.join([str(directory), environment.get("PYTHONPATH", "")])
    # settings of the user's own that would spoil a comparison must not reach the demo's services
    environment |= {"OTEL_SDK_DISABLED": "true", "http_proxy": "http://127.0.0.1:9"}
    return subprocess.Popen(
        [*DEMO, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def row(name: str, output: str) -> list[float]:
    """The figures of one line of the report, without their units."""
    (line,) = re.findall(rf"^{re.escape(name)} +(\d.*)$", output, re.MULTILINE)
    return [float(cell.replace(",", "")) for cell in re.sub(r" us\b", "", line).split()]


def test_without_a_terminal_it_ends_in_half_a_minute_with_figures() -> None:
    clock = Clock()
    demo = start()
    output, errors = demo.communicate(timeout=60)
    assert clock.own() < 30
    assert (demo.returncode, errors) == (0, "")
    assert "\x1b" not in output
    assert all(line.isprintable() for line in output.splitlines())
    cpu, latency = row("untraced", output)
    assert cpu > 10
    assert cpu < 2 * latency < 1e6
    for name in TRACED:
        cpu_traced, added, latency_traced, later, rate, made, received, lost = row(name, output)
        assert abs(cpu_traced - cpu - added) < 0.5 * cpu, (
            "a median of differences, near the difference of medians"
        )
        assert latency_traced > 0 and later < latency_traced and rate > 0
        assert made == received > 100 and lost == 0
        assert f"{name} " in output.split("\n")[1], "its version is told"
        assert re.search(rf"^-- \d+ s, round \d+: .*{name} [\d,]+ spans/s, lost 0", output, re.MULTILINE)
    recorded = re.search(
        r"^otlp_lite stats\(\): recorded ([\d,]+), exported \1, .*dropped: none\.$", output, re.M
    )
    assert recorded is not None and float(recorded[1].replace(",", "")) == row("otlp_lite", output)[5]
    assert re.search(WATERFALL, output, re.MULTILINE)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_ctrl_c_ends_it_and_its_children_with_what_was_measured(signals: list[signal.Signals]) -> None:
    demo = start("--seconds", "20")
    assert demo.stdout is not None
    while "round" not in demo.stdout.readline():
        assert demo.poll() is None
    processes = children(demo.pid)
    assert len(processes) == 1 + len(VARIANTS)
    clock = Clock()
    for number in signals:
        demo.send_signal(number)
        time.sleep(0.01)
    output, errors = demo.communicate(timeout=20)
    assert clock.own() < 8
    assert errors == ""
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
    if len(signals) == 1:
        assert demo.returncode == 0
        assert "interrupted in round" in output
        assert row("otlp_lite", output)[-1] == 0
    else:
        assert demo.returncode in (0, 130), "the second may come when all is done"


def test_ctrl_c_before_the_load_ends_it_too() -> None:
    demo = start()
    while not children(demo.pid):
        time.sleep(0.01)
    demo.send_signal(signal.SIGINT)
    output, errors = demo.communicate(timeout=20)
    assert (demo.returncode, errors) == (0, "")
    assert "nothing was measured" in output


def test_a_closed_pipe_ends_it_quietly() -> None:
    demo = start("--seconds", "20")
    assert demo.stdout is not None
    demo.stdout.readline()
    demo.stdout.close()
    assert demo.wait(20) == 0
    assert demo.stderr is not None
    assert demo.stderr.read() == ""


@pytest.mark.parametrize("module", ["flask", "opentelemetry.instrumentation.flask"])
def test_without_flask_it_names_the_extra(module: str, tmp_path: Path) -> None:
    demo = start(without=module, directory=tmp_path)
    output, errors = demo.communicate(timeout=20)
    assert (demo.returncode, output) == (1, "")
    assert errors == f"otlp_lite demo: the demo needs {module}: pip install 'otlp_lite[demo]'\n"


def test_without_the_stock_sdk_it_says_which_row_is_missing(tmp_path: Path) -> None:
    demo = start("--seconds", "0.5", without="opentelemetry.sdk", directory=tmp_path)
    output, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (0, "")
    assert "The opentelemetry-sdk row is missing" in output and "pip install 'otlp_lite[demo]'" in output
    assert row("otlp_lite", output)[-1] == 0
    assert not re.search(r"^opentelemetry-sdk +\d", output, re.MULTILINE)


def test_spans_that_do_not_arrive_are_shown_as_lost() -> None:
    nowhere = "http://127.0.0.1:9"
    contestant = Contestant("otlp_lite", "lossy", Child("demo_service", "otlp_lite", "lossy", nowhere))
    try:
        contestant.connect()
        contestant.slice(0)
        made, received, lost = contestant.row(None)[-3:]
        assert (made, received, lost) == ("460", "0", "460")
        assert "1 flushes did not end in time" in contestant.losses()
    finally:
        contestant.child.close()
