"""`python -m otlp_lite COMMAND`: hands over to the command's module."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from otlp_lite._version import __version__
from otlp_lite.cli import demo, doctor, lint, receive, recover

COMMANDS = {"demo": demo, "receive": receive, "doctor": doctor, "recover": recover, "lint": lint}


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="otlp_lite", description="OpenTelemetry for Python, small.")
    parser.add_argument("--version", action="version", version=f"otlp_lite {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run, command=name)
    given = sys.argv[1:] if argv is None else list(argv)
    args, unknown = parser.parse_known_args(given)
    if unknown:
        before = given[: given.index(args.command)]
        blamed = parser if set(unknown) & set(before) else commands.choices[args.command]
        blamed.error(f"unrecognized arguments: {' '.join(unknown)}")  # with its own usage
    # Who began us may have closed one: what is meant for it does not come out of the other.
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))
    try:
        status: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        receive.leave_stdout()
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
