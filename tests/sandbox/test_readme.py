from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec

import sandbox
from sandbox import Scenario
from sandbox.scenario import FaultKind

README = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    return [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]


def test_it_has_every_setting_and_every_fault() -> None:
    settings, _, faults = README.partition("A fault has a `kind`")
    names = [field.name for field in msgspec.structs.fields(Scenario)]
    assert first_cells(settings) == names
    assert first_cells(faults) == list(get_args(FaultKind))
