"""docs/settings.md says what the table of settings says; run as a program, this file writes it."""

from __future__ import annotations

import inspect
from pathlib import Path

import otlp_lite
from otlp_lite.config import LIMITS, OTHERS, SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

Each setting is an argument of `otlp_lite.configure()`, a variable of the environment, or both. An argument
wins over a variable. A value that cannot be raises `ConfigurationError` as an argument; in a variable it is
warned of, and the default holds. This page is written from the table in `otlp_lite.config`.

| argument | variable | default | |
|---|---|---|---|
"""
PROXIES = """
## Proxies

The receiver is reached through the HTTP proxy that the environment names when `configure()` is called, as
by curl, urllib and requests:

- `http_proxy` for a receiver at `http://`, `https_proxy` for one at `https://`; where that is not set,
  `all_proxy`. Each may be in capitals; in small letters it wins. `HTTP_PROXY` is ignored where
  `REQUEST_METHOD` is set too: in a CGI program it is a header that a client sends. (urllib and requests
  do the same; curl never reads it.)
- The value is `http://user:password@proxy.example:3128`. Without a scheme it is http, without a port 80.
  A proxy that is itself reached by https or SOCKS is warned of and not used.
- `no_proxy`, or `NO_PROXY`, lists whom to reach directly, parted by commas: a name, which stands for all
  below it too (`example.com` and `.example.com` are the same), an address, a network (`10.0.0.0/8`), each
  with or without a `:port`, or `*` for everyone. Nobody is exempt unasked, `localhost` neither.

To a receiver at `https://` the proxy is asked for a tunnel (CONNECT), and sees neither headers nor spans.
"""
LIMITS_HEAD = """
## Limits of a span

`limits` is an `otlp_lite.SpanLimits`. Each of its arguments is a count, None for its variable, or
`SpanLimits.UNSET` for no limit; a variable that is set to nothing means no limit, too. A limit of one kind
beats the general one; of `max_attributes`, which is the general one, no limit means 128, as in the stock SDK.

| argument | variable | |
|---|---|---|
"""
OTHERS_HEAD = """
## Variables that are no settings

| variable | |
|---|---|
"""


def page() -> str:
    rows = []
    arguments = inspect.signature(otlp_lite.configure).parameters
    for setting in SETTINGS:
        variables = "<br>".join(f"`{name}`" for name in setting.variables)
        default = "" if setting.default is None else f"`{setting.default}`"
        name = f"`{setting.name}`" if setting.name in arguments else ""
        rows.append(f"| {name} | {variables} | {default} | {setting.doc} |\n")
    rows += [PROXIES, LIMITS_HEAD]
    rows += [f"| `{name}` | `{variable}` | {doc} |\n" for name, variable, doc in LIMITS]
    rows += [OTHERS_HEAD, *(f"| `{variable}` | {doc} |\n" for variable, doc in OTHERS)]
    return HEAD + "".join(rows)


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text() == page(), "docs/settings.md is old: python tests/behaviour/test_settings_page.py"


if __name__ == "__main__":
    PAGE.write_text(page())
