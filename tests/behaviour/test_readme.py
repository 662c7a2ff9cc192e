"""The README's program does what its comments say."""

from __future__ import annotations

import re
from pathlib import Path

from child import python
from scripted import Receiver

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_quick_start() -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    code = found.group(1)
    assert "http://localhost:4318" in code
    with Receiver() as receiver:
        done = python(code.replace("http://localhost:4318", receiver.url))
        assert (done.stdout, done.stderr) == ("True {}\n", "")
        spans = {span.name: span for span in receiver.spans()}
    assert set(spans) == {"checkout", "db.query", "cache.get"}
    root = spans["checkout"]
    assert not root.parent_span_id
    assert all(span.parent_span_id == root.span_id for name, span in spans.items() if span is not root)
    assert [a.key for a in spans["db.query"].attributes] == [
        "db.collection.name",
        "db.response.returned_rows",
    ]
