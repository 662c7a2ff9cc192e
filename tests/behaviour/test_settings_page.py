"""docs/settings.md says what the table of settings says; run as a program, this file writes it."""

from __future__ import annotations

from pathlib import Path

from otlp_lite.config import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

Each setting is an argument of `otlp_lite.configure()`, a variable of the environment, or both. An argument
wins over a variable. A value that cannot be raises `ConfigurationError` as an argument; in a variable it is
warned of, and the default holds. This page is written from the table in `otlp_lite.config`.

| argument | variable | default | |
|---|---|---|---|
"""


def page() -> str:
    rows = []
    for setting in SETTINGS:
        variables = "<br>".join(f"`{name}`" for name in setting.variables)
        default = "" if setting.default is None else f"`{setting.default}`"
        rows.append(f"| `{setting.name}` | {variables} | {default} | {setting.doc} |\n")
    return HEAD + "".join(rows)


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text() == page(), "docs/settings.md is old: python tests/behaviour/test_settings_page.py"


if __name__ == "__main__":
    PAGE.write_text(page())
