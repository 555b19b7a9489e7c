"""`make demo` and `make follows` lead from usernames to a page."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from sandbox import Clock, Fault, Follow, Sandbox, Scenario, World
from tests.documents import ROOT
from tests.e2e.processes import finish
from tests.e2e.project import make_project
from tests.e2e.reader import Reader
from tests.harness import PROVIDERS, wait_until
from tests.warehouse import Warehouse

NEWS = re.compile(
    r"Since the run of .+ UTC: (\d+) new follows?, (\d+) no longer listed; "
    r"36 of 40 lists read, 4 could not be\."
)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    often = {"full_scan_after_days": 0, "rescan_after_hours": 0}
    return make_project(tmp_path / "project", often)


def test_demo_prints_the_figures_of_its_page(reader: Reader) -> None:
    printed = reader.type("make", "demo")
    [(new, lost)] = NEWS.findall(printed)
    output = reader.folder / "output"
    warehouse = Warehouse(str(output / "sandbox.duckdb"))
    kinds = [row["kind"] for row in warehouse.model("follow_changes")]
    assert (kinds.count("followed"), kinds.count("no longer listed")) == (int(new), int(lost))
    for provider in PROVIDERS:
        assert len(warehouse.rows(f"tiktok.{provider}_scans")) == 80
    assert "The page is output/sandbox.html." in printed
    assert NEWS.search((output / "sandbox.html").read_text("utf-8"))


def test_follows_says_what_is_missing_and_continues_with_what_changed(
    reader: Reader,
) -> None:
    """With one provider: the other one has no tables."""
    follows = {
        name: [Follow(f"{name}.{n}", 1_700_000_000 + n) for n in range(3)] for name in "ab"
    }
    printed = reader.type("make", "follows", code=2)
    assert "No credentials are set: copy .env.example to .env and set TAP_" in printed
    with Sandbox(World.of(follows), clock=Clock()) as sandbox:
        names = ("rapidapi_key", "rapidapi_api_url")
        lines = [f"TAP_TIKTOK_FOLLOWING_{n.upper()}={sandbox.config[n]}\n" for n in names]
        example = (ROOT / ".env.example").read_text("utf-8")
        for text in ("", example):
            (reader.folder / ".env").write_text(text + "".join(lines))
            printed = reader.type("make", "follows", code=2)
            assert "No usernames are set: create usernames.csv with the header" in printed
        (reader.folder / "usernames.csv").write_text("username,party\na,red\nb,green\nc,\n")
        wrong = "TAP_TIKTOK_FOLLOWING_PAGE_SIZE=many\n"
        (reader.folder / ".env").write_text("".join([*lines, wrong]))
        printed = reader.type("make", "follows", code=2)
        assert "Meltano cannot read the settings (ValueError: " in printed
        assert "'many'): correct .env or meltano.yml.\n" in printed
        (reader.folder / ".env").write_text("".join(lines))

        first = reader.type("make", "follows")
        assert "Testing the credentials\nrapidapi_following: the credentials work" in first
        assert "Starting" not in first
        assert "6 follows in the first run; 2 of 3 lists read, 1 could not be." in first
        sandbox.world.unfollow("a", "a.0")
        second = reader.type("make", "follows")
        assert "Testing the credentials" not in second
        assert "0 new follows, 1 no longer listed; 2 of 3 lists read, 1 could" in second
        fault = Fault("error", username="b", value=[418, "teapot", "I am a teapot"])
        sandbox.scenario = Scenario(faults=[fault])
        third = reader.type("make", "follows", code=2)
        assert "0 new follows, 0 no longer listed; 1 of 3 lists read, 2 could" in third
        assert "Extractor failed" not in third

        fault = Fault("silent")
        sandbox.scenario = Scenario(faults=[fault])
        process = reader.start("make", "follows")
        wait_until(lambda: fault.used > 0)
        assert "Another `make follows` is running: " in reader.type("make", "follows", code=2)
        os.killpg(process.pid, signal.SIGINT)
        stopped = finish(process)
        assert "Stopped by SIGINT: run again; every list continues" in stopped
        assert "Building the page" not in stopped
    for name in ("prod.html", "prod.settings.json"):
        written = (reader.folder / "output" / name).read_text("utf-8")
        assert sandbox.config["rapidapi_key"] not in written
