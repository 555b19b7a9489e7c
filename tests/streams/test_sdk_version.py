"""The SDK's release whose private parts are overridden."""

from __future__ import annotations

import re

from tests.documents import ROOT


def test_overrides_were_read_in_the_pinned_release() -> None:
    pins = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert re.findall(r"^singer-sdk\S*==([\w.]+)", pins, re.MULTILINE) == ["0.54.9"], (
        "Read the overrides in streams/base.py, tap.py and output.py again in the new release."
    )
