"""The commands and examples of sandbox/README.md."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.documents import ROOT, prose, runs
from tests.e2e.processes import finish, needs_shell
from tests.e2e.project import Project
from tests.harness import PROVIDERS, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.documents import Section

pytestmark = needs_shell

TAP = ".venv/bin/tap-tiktok-following --config ENV > messages.jsonl"
SERVE = ".venv/bin/python -m sandbox serve"
OPTIONS = "--port 0 --usernames 4 --scenario FILE.json"

RATES = {f"{provider}_requests_per_second": 1000 for provider in PROVIDERS}


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    stand_ins = {"COMMAND ...": TAP, SERVE: f"exec {SERVE} {OPTIONS} > served"}
    return Project(tmp_path, RATES, stand_ins)


def scans(clone: Project) -> Counter[str]:
    """How many rows each scans stream has sent."""
    lines = (clone.folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    messages = map(json.loads, lines)
    return Counter(m["stream"] for m in messages if "record" in m and "outcome" in m["record"])


@runs("sandbox/README.md", "Try it")
@runs("sandbox/README.md", "A scenario", "scenario")
def test_its_commands(section: Section, scenario: Section, clone: Project) -> None:
    run, serve = section
    clone.reader.follow([run])
    assert scans(clone) == {"research_scans": 40, "rapidapi_scans": 40}

    [example] = scenario
    (clone.folder / "FILE.json").write_text(example.text, encoding="utf-8")
    options = re.findall(r"`(--[\w. ]+)`", prose(ROOT / "sandbox" / "README.md"))
    assert options
    assert all(option.split()[0] in OPTIONS for option in options)
    server = clone.reader.start(*clone.reader.script(serve))
    served = clone.folder / "served"
    wait_until(lambda: served.exists() and served.read_text("utf-8").count("\n") == 7)
    lines = served.read_text("utf-8").splitlines(keepends=True)
    shown = serve.text.splitlines()[1:3]
    assert [re.sub(r":\d+$", ":8765", line.strip()) for line in lines[:2]] == shown

    log = clone.reader.type("sh", "-c", "".join(lines[1:]) + TAP, code=1)
    assert json.loads(example.text)["faults"][-1]["value"][-1] in log
    assert scans(clone) == {"research_scans": 4, "rapidapi_scans": 4}
    server.send_signal(signal.SIGINT)
    finish(server, within=10)
    assert server.returncode == 0


@runs("sandbox/README.md", "In Python tests")
def test_its_python(section: Section) -> None:
    [example] = section
    exec(compile(example.text, "README.md", "exec"), {})  # noqa: S102
