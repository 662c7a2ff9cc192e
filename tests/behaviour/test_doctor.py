"""`python -m otlp_lite doctor` says what holds and where it comes from, sends a span, and shows no secret."""

from __future__ import annotations

import base64
import json
import os
import resource
import shlex
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from child import environment
from clock import Clock
from dying import Dying
from scripted import Receiver, answer, answer_as_http, mute, partial, raw, secure_receiver, stall

from otlp_lite.config import LIMITS, SETTINGS, Origin, explain, load
from otlp_lite.slots.directory import Slots

SECRET = "hunter2-Zebra"


def doctor(
    *options: str, receiver: Receiver | str = "", timeout: object = 5.0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """The command, with nothing set but `variables` and where it sends."""
    url = receiver if isinstance(receiver, str) else receiver.url
    if url:
        variables.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    done = subprocess.run(
        [sys.executable, "-m", "otlp_lite", "doctor", "--timeout", str(timeout), *options],
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == "", done.stderr
    return done


def told(*options: str, receiver: Receiver | str = "", status: int = 0, **variables: Any) -> dict[str, Any]:
    """The same as one JSON object."""
    done = doctor("--json", *options, receiver=receiver, **variables)
    assert done.returncode == status, done.stdout
    report = json.loads(done.stdout)
    assert report["ok"] is (status == 0)
    return dict(report)


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in (*report["settings"], *report["span_limits"]) if each["name"] == name]
    return dict(found)


def refusing() -> str:
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


# ---- Where regions are files ----


def test_a_directory_of_regions_is_shown_and_left_alone() -> None:
    with TemporaryDirectory(dir="/dev/shm") as base, Receiver() as receiver:
        folder = Path(base) / "regions"
        settings: dict[str, Any] = {"OTLP_LITE_REGION_DIR": str(folder)}
        report = told(receiver=receiver, **settings)["region_dir"]
        assert (report["path"], report["file_system"], report["files"]) == (str(folder), "tmpfs", None)
        room = os.statvfs(base).f_blocks * os.statvfs(base).f_frsize
        assert report["writable"] and room / 1000 < report["free"] <= room and not folder.exists()
        dead = Dying("record(many=3); time.sleep(60)", folder)
        dead.until(ids=3)
        dead.kill()
        with Dying("record()\nif os.fork() == 0: record()\ntime.sleep(60)", folder) as living:
            living.until(ids=2)
            (folder / "slot-007.1.aside").touch(0o600)
            report = told(receiver=receiver, **settings)["region_dir"]
            assert report["files"] == {"living": 2, "dead": 0, "aside": 1}
            os.kill(living.process.pid, signal.SIGKILL)
            living.process.wait()
            said = doctor(receiver=receiver, **settings).stdout
            assert "files: 1 in use, 1 that the dead left, 1 moved aside" in said and "tmpfs, " in said
            assert receiver.names() == ["otlp_lite doctor"] * 3
            os.killpg(living.process.pid, signal.SIGKILL)


def test_a_directory_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with Receiver() as receiver:
        tmp_path.chmod(0o777)
        settings: dict[str, Any] = {"OTLP_LITE_REGION_DIR": str(tmp_path)}
        report = told(receiver=receiver, status=1, **settings)
        assert "others can write to it (mode 777)" in report["region_dir"]["error"]
        assert report["wrong"] == ["OTLP_LITE_REGION_DIR"]
        assert "wrong: OTLP_LITE_REGION_DIR" in doctor(receiver=receiver, **settings).stdout
        tmp_path.chmod(0o700)
        (tmp_path / "slot-000.region").write_bytes(b"mine")
        report = told(receiver=receiver, status=1, **settings)
        assert "slot-000.region holds no region" in report["region_dir"]["error"]
        (tmp_path / "slot-000.region").unlink()
        away = told(receiver=receiver, status=1, OTLP_LITE_REGION_DIR=str(tmp_path / "not" / "there"))
        assert "No such file or directory" in away["region_dir"]["error"]
        (tmp_path / "file").touch()
        away = told(receiver=receiver, status=1, OTLP_LITE_REGION_DIR=str(tmp_path / "file" / "within"))
        assert "Not a directory" in away["region_dir"]["error"]
        away = told(receiver=receiver, status=1, OTLP_LITE_REGION_DIR=str(tmp_path / "file"))
        assert "Not a directory" in away["region_dir"]["error"]
        if told(receiver=receiver, **settings)["region_dir"]["file_system"] != "tmpfs":
            assert "a disk would be written all day" in doctor(receiver=receiver, **settings).stdout


# ---- What comes of the span ----


def test_a_span_that_is_taken() -> None:
    with Receiver() as receiver:
        done = doctor(receiver=receiver, OTEL_SERVICE_NAME="shop", OTEL_TRACES_SAMPLER="always_off")
        (span,) = receiver.spans()
    assert done.returncode == 0
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert span.name == "otlp_lite doctor" and f"trace {span.trace_id.hex()}" in said
    assert "service_name shop OTEL_SERVICE_NAME" in said and "sampler always_off OTEL_TRACES_SAMPLER" in said
    assert f"to {receiver.url}/v1/traces" in said and "result taken" in said and said[-1] == "all is well"
    assert any(line.startswith("answer HTTP 200 in ") for line in said)


def test_each_row_is_there_by_name_value_and_origin() -> None:
    with Receiver() as receiver:
        report = told(
            receiver=receiver,
            OTEL_EXPORTER_OTLP_TIMEOUT="2500",
            OTEL_EXPORTER_OTLP_TRACES_TIMEOUT="1500",
            OTEL_BSP_MAX_QUEUE_SIZE="1024",
            OTEL_SPAN_LINK_COUNT_LIMIT="7",
            OTEL_ATTRIBUTE_COUNT_LIMIT="9",
            OTEL_EXPORTER_OTLP_ENDPIONT="x",
        )
    assert [each["name"] for each in report["settings"]] == [setting.name for setting in SETTINGS]
    assert [each["name"] for each in report["span_limits"]] == [name for name, _, _ in LIMITS]
    assert row(report, "timeout") == {
        "name": "timeout",
        "value": 1.5,
        "source": "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "ignored": {"OTEL_EXPORTER_OTLP_TIMEOUT": "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT comes first"},
    }
    values = {
        "schedule_delay": (5.0, "default"),
        "region_size": (1024 * 512, "OTEL_BSP_MAX_QUEUE_SIZE"),
        "max_links": (7, "OTEL_SPAN_LINK_COUNT_LIMIT"),
        "max_span_attributes": (9, "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        "max_attribute_length": (None, "default"),
    }
    for name, (value, source) in values.items():
        assert row(report, name) == {"name": name, "value": value, "source": source, "ignored": {}}
    assert report["findings"] == ["OTEL_EXPORTER_OTLP_ENDPIONT is set, and is no setting of otlp_lite"]
    kernels = report["kernels"]
    assert kernels["running"] == kernels["offered"][0] and kernels["reason"]
    assert {"hex_encode", "crc32c"} <= set(kernels["each"])
    assert all(each["table"] in kernels["offered"] and each["reason"] for each in kernels["each"].values())
    machine = report["machine"]
    assert (
        machine["threads"]
        and machine["open_files"]["soft"] > 0
        and set(machine["tmpfs"]) == {"/dev/shm", "/run"}
    )
    sending = report["sending"]
    assert (sending["ok"], sending["status"], sending["rejected"], sending["attempts"]) == (True, 200, 0, 1)
    assert 0 < sending["connect_seconds"] < 5 and 0 < sending["round_trip_seconds"] < 5


def test_a_port_without_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer_as_http, args=(server,), daemon=True)
        answering.start()
        done = doctor(receiver=f"https://127.0.0.1:{server.getsockname()[1]}")
        answering.join()
    assert done.returncode == 1 and "perhaps the URL should begin with http://" in done.stdout


def test_a_refused_connection() -> None:
    clock = Clock()
    report = told(receiver=refusing(), status=1)
    sending = report["sending"]
    assert clock.own() < 5 and report["findings"] == []  # its words are the answer's
    assert "Connection refused" in sending["error"] and sending["status"] is None and sending["attempts"] == 1
    done = doctor(receiver=refusing())
    assert done.returncode == 1 and "Connection refused" in done.stdout
    assert done.stdout.endswith("\nthe span was not taken\n")


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_refusal_with_words(compression: str) -> None:
    with Receiver(default=answer(401, b"who \x1b[31mare\x07 you?\r\n\xe2\x80\xae")) as receiver:
        variables = {"OTEL_EXPORTER_OTLP_COMPRESSION": compression}
        sending = told(receiver=receiver, status=1, **variables)["sending"]
        assert (sending["status"], sending["error"]) == (401, "HTTP 401")
        assert sending["words"].split()[-1] == "you?" and "OTEL_EXPORTER_OTLP_HEADERS" in sending["hint"]
        done = doctor(receiver=receiver, **variables)
        assert done.returncode == 1 and "HTTP 401 in " in done.stdout and "you?" in done.stdout
        assert all(line.isprintable() for line in done.stdout.splitlines())


def test_a_partial_success() -> None:
    with Receiver(partial(1, "no room"), partial(0, "nearly full"), partial(1, "no room")) as receiver:
        sending = told(receiver=receiver, status=1)["sending"]
        assert (sending["status"], sending["rejected"], sending["words"]) == (200, 1, "no room")
        sending = told(receiver=receiver)["sending"]
        assert (sending["ok"], sending["rejected"], sending["words"]) == (True, 0, "nearly full")
        assert "the receiver rejected it" in doctor(receiver=receiver).stdout


def test_a_receiver_that_asks_for_patience_is_asked_again() -> None:
    with Receiver(answer(503, b"", "Retry-After: 0")) as receiver:
        sending = told(receiver=receiver)["sending"]
        assert (sending["status"], sending["attempts"]) == (200, 2)
    with Receiver(default=answer(503, b"later")) as receiver:
        sending = told(receiver=receiver, status=1)["sending"]
        assert (sending["error"], sending["words"]) == ("HTTP 503", "later") and sending["attempts"] > 1


def test_the_sending_is_bounded() -> None:
    with Receiver(default=stall) as receiver, mute() as silent:
        for url in (receiver.url, f"http://127.0.0.1:{silent.getsockname()[1]}"):
            clock = Clock()
            report = told(receiver=url, status=1, timeout=0.8)
            assert clock.own() < 5
            assert report["sending"]["error"] == "nothing within 0.8 s"
    with Receiver(default=stall) as receiver:
        sending = told(receiver=receiver, status=1, OTEL_EXPORTER_OTLP_TIMEOUT="300")["sending"]
        assert "deadline" in sending["error"] and sending["attempts"] > 1


def test_another_protocol() -> None:
    with Receiver(default=raw(b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0")) as receiver:
        sending = told(receiver=receiver, status=1)["sending"]
        assert "HTTP/2" in sending["error"] and "gRPC" in sending["hint"]
        set_so = told(receiver=receiver, status=1, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")["sending"]
        assert set_so["error"] == "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: expected http/protobuf"
        assert "is none" in told(receiver=receiver, OTEL_TRACES_EXPORTER="none")["sending"]["nothing"]


def test_https(tmp_path: Path) -> None:
    with secure_receiver(tmp_path) as receiver:
        sending = told(receiver=receiver, status=1)["sending"]
        assert "CERTIFICATE_VERIFY_FAILED" in sending["error"]
        assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in sending["hint"]
        authority = str(tmp_path / "ca.pem")
        report = told(receiver=receiver, OTEL_EXPORTER_OTLP_CERTIFICATE=authority)
        assert report["sending"]["status"] == 200
        assert row(report, "certificate")["value"] == authority
        plain = receiver.url.replace("https", "http")
        assert told(receiver=plain, status=1)["sending"]["error"]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_in_the_clear() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer_in_the_clear).start()
        sending = told(receiver=f"https://127.0.0.1:{listener.getsockname()[1]}", status=1)["sending"]
        assert "begin with http://" in sending["hint"]


# ---- The machine ----


def test_limits_and_the_clock_as_they_are() -> None:
    source = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    clock = source.read_text("ascii").strip() if source.exists() else None
    with Receiver() as receiver:
        report = told(receiver=receiver)
        assert report["machine"]["clock_source"] == clock
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert report["machine"]["open_files"]["hard"] == (None if hard == resource.RLIM_INFINITY else hard)
        said = doctor(receiver=receiver).stdout
    assert "tsc\n" in said if clock == "tsc" else f"{clock or 'unknown'}, not the TSC" in said


# ---- What is wrong with the settings ----


def test_a_variable_that_cannot_be() -> None:
    with Receiver() as receiver:
        variables = {"OTEL_BSP_SCHEDULE_DELAY": "soon", "OTEL_SPAN_EVENT_COUNT_LIMIT": "-3"}
        report = told(receiver=receiver, status=1, **variables)
        assert report["sending"]["ok"] and report["wrong"] == sorted(variables)
        ignored = row(report, "schedule_delay")["ignored"]
        assert (
            list(ignored) == ["OTEL_BSP_SCHEDULE_DELAY"]
            and "milliseconds" in ignored["OTEL_BSP_SCHEDULE_DELAY"]
        )
        assert row(report, "max_events")["value"] == 128
        first, second = report["findings"]
        assert first.startswith("OTEL_BSP_SCHEDULE_DELAY='soon' is ignored: expected ")
        assert second.startswith("OTEL_SPAN_EVENT_COUNT_LIMIT='-3' is ignored: expected ")
        done = doctor(receiver=receiver, **variables)
        assert done.returncode == 1 and done.stdout.endswith(f"\nwrong: {', '.join(sorted(variables))}\n")


def test_what_is_warned_of_is_found() -> None:
    with Receiver() as receiver:
        report = told(
            receiver=f"{receiver.url}/v1/traces",
            status=1,
            OTEL_RESOURCE_ATTRIBUTES="a=b,nothing",
            OTEL_EXPORTER_OTLP_HEADERS=f"x y={SECRET}",
        )
        assert len(report["findings"]) == 3 and SECRET not in str(report)
        assert report["wrong"] == ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES"]
        assert receiver.requests[0].line == "POST /v1/traces/v1/traces HTTP/1.1"


def test_kernels_that_there_are_not() -> None:
    with Receiver() as receiver:
        report = told(receiver=receiver, status=1, OTLP_LITE_CPU="abacus")
        assert "abacus" in report["sending"]["error"] and not receiver.requests
        assert told(receiver=receiver, status=1, OTLP_LITE_CPU="\udcff")["kernels"]["wanted"] == "\udcff"
        assert ", not abacus as wanted (" in doctor(receiver=receiver, OTLP_LITE_CPU="abacus").stdout
        assert told(receiver=receiver, OTLP_LITE_CPU="scalar")["kernels"]["running"] == "scalar"
        assert "hex_encode: scalar, " in doctor(receiver=receiver, OTLP_LITE_CPU="scalar").stdout


def test_a_key_without_its_certificate(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    with Receiver() as receiver:
        report = told(receiver=receiver, status=1, OTEL_EXPORTER_OTLP_CLIENT_KEY=str(key))
        assert report["wrong"] == ["OTEL_EXPORTER_OTLP_CLIENT_KEY"]
        assert row(report, "client_key")["value"] is None and row(report, "client_key")["source"] == "default"
        assert any("expected a client certificate" in finding for finding in report["findings"])


def test_a_disabled_sdk_sends_nothing() -> None:
    with Receiver() as receiver:
        done = doctor(receiver=receiver, OTEL_SDK_DISABLED="true")
        assert done.returncode == 0 and "nothing is sent" in done.stdout
        assert told(receiver=receiver, OTEL_SDK_DISABLED="true")["sending"]["nothing"]
        assert not receiver.requests


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "inf"])
def test_a_timeout_is_a_number_of_seconds(seconds: str) -> None:
    command = [sys.executable, "-m", "otlp_lite", "doctor", "--timeout", seconds]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "a number of seconds" in done.stderr


# ---- Secrets ----


def test_no_secret_is_shown() -> None:
    encoded = base64.b64encode(f"admin:{SECRET}".encode()).decode()
    percent = SECRET.replace("-", "%2D")
    echo = f"{SECRET} {encoded} {percent} ?key={percent}&z=1 pw! Bearer {SECRET}".encode()
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET},authorization=Basic%20{encoded},short=pw!",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "",
        "OTEL_RESOURCE_ATTRIBUTES": f"home=http://me:{SECRET}@host/?{SECRET}",
    }
    with Receiver(default=answer(401, echo)) as receiver:
        place = receiver.url.removeprefix("http://")
        url = f"http://me:{percent}@{place}/v1/traces?key={percent}&z=1"
        for options in ((), ("--json",)):
            done = doctor(*options, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=url, **variables)
            assert done.returncode == 1 and f"http://***@{place}/v1/traces?***" in done.stdout
            for form in (
                SECRET,
                encoded,
                percent,
                "pw!",
                "me:",
                base64.b64encode(f"me:{SECRET}".encode()).decode(),
            ):
                assert form not in done.stdout, form
        assert receiver.requests[0].headers["x-key"] == SECRET
        partly = Receiver(default=partial(1, echo.decode()))
        with partly:
            report = told(receiver=partly, status=1, **variables)
            assert "***" in report["sending"]["words"]
            assert SECRET not in str(report) and encoded not in str(report)


@pytest.mark.parametrize(
    "url",
    [
        f"me:{SECRET}@host:4318",
        f"ftp://me:{SECRET}@host",
        f"http://host:port/?mail=a@b&key={SECRET}",
        f"http://me:{SECRET}?x@host:port",
        f"host/?key={SECRET}",
    ],
)
def test_a_malformed_url_shows_no_secret(url: str) -> None:
    with Receiver() as receiver:
        done = doctor(receiver=receiver, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=url)
    assert done.returncode == 1 and "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" in done.stdout
    assert SECRET not in done.stdout


# ---- Where values come from ----


def test_every_variable_is_told_as_an_origin() -> None:
    texts = {
        "sampler": "always_on",
        "endpoint": "http://h",
        "traces_endpoint": "http://h",
        "compression": "gzip",
        "traces_exporter": "none",
        "protocol": "grpc",
    }
    for setting in SETTINGS:
        if setting.name == "proxy":  # by the endpoint's scheme: tests/behaviour/test_proxy.py
            continue
        for variable in setting.variables:
            environ = {variable: texts.get(setting.name, "1")}
            origin = explain(load({}, environ), environ)[setting.name]
            assert variable in (origin.variable, *origin.wrong), variable
            assert variable == origin.variable or getattr(load({}, environ), setting.name) == setting.default
    for name, variable, _ in LIMITS:
        for text in ("3", ""):
            assert explain(load({}, {}), {variable: text})[name] == Origin(variable, {}, {})
        assert list(explain(load({}, {}), {variable: "x"})[name].wrong) == [variable]
    assert not any(any(origin) for origin in explain(load({}, {}), {}).values())


def test_a_service_is_named_by_either_variable() -> None:
    for environ in ({"OTEL_SERVICE_NAME": "a"}, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=a"}):
        origins = explain(load({}, environ), environ)
        assert {origins["service_name"].variable, origins["resource_attributes"].variable} == set(environ)
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "b=c"}
    assert explain(load({}, environ), environ)["service_name"].variable == ""


@pytest.mark.parametrize("name", ["there", "there/not"])
def test_a_directory_that_cannot_be_written_to(tmp_path: Path, name: str) -> None:
    """Asked for who the process is in effect, and of the file system."""
    (tmp_path / "there").mkdir()
    slots = Slots(str(tmp_path / name), 1 << 20, 8, "wait", 0)
    assert slots.census() in (None, (0, 0, 0))
    if os.geteuid() == 0:
        tmp_path.chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(PermissionError):
                slots.census()
        finally:
            os.seteuid(0)
    mount = f"mount -t tmpfs none {tmp_path} && mkdir {tmp_path}/there && mount -o remount,ro {tmp_path}"
    apart = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*apart, mount]).returncode != 0:
        pytest.skip("no mounts may be made here")
    ask = [sys.executable, "-m", "otlp_lite", "doctor", "--json"]
    settings = environment({"OTLP_LITE_REGION_DIR": str(tmp_path / name), "OTEL_TRACES_EXPORTER": "none"})
    said = subprocess.run(
        [*apart, f"{mount} && {shlex.join(ask)}"], env=settings, stdout=subprocess.PIPE, check=False
    )
    assert "Read-only file system" in json.loads(said.stdout)["region_dir"]["error"]
