"""A target is killed between two batches: what its saved state covers is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tests.documents import section_of
from tests.e2e.processes import WITHIN
from tests.e2e.targets import install, pinned
from tests.e2e.warehouses import CSV, JSONL, DuckDB, PostgreSQL, in_utc
from tests.harness import environment, follows_of, run, settings, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.e2e.lists import Row
    from tests.e2e.warehouses import Warehouse
    from tests.harness import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")

LISTS = {"ann": 300, "ben": 300, "cat": 50}
BATCH = 500
KEYS = {
    "research_following": ("follower_username", "username", "scanned_at"),
    "rapidapi_following": ("follower_username", "user_id", "scanned_at"),
    "research_scans": ("follower_username", "scanned_at"),
    "rapidapi_scans": ("follower_username", "scanned_at"),
}
WAREHOUSES: dict[str, Callable[[Path, pytest.FixtureRequest], Warehouse]] = {
    "JSON Lines": lambda folder, _: JSONL(folder),
    "CSV": lambda folder, _: CSV(folder),
    "DuckDB": lambda folder, _: DuckDB(folder),
    "PostgreSQL": lambda _, request: PostgreSQL(request.getfixturevalue("postgres"), "killed"),
}


class Target:
    """A target with the settings of docs/targets.md, but smaller batches.

    Args:
        title: Its heading there.
        warehouse: Where it loads to.
        folder: Where its files are.
        more: Other settings.
    """

    def __init__(
        self, title: str, warehouse: Warehouse, folder: Path, more: dict[str, Any]
    ) -> None:
        [block] = [b for b in section_of("docs/targets.md", title) if b.language == "json"]
        changes = {**warehouse.config(1), "batch_size_rows": BATCH, **more}
        config = folder / "target.json"
        config.write_text(json.dumps({**json.loads(block.text), **changes}), encoding="utf-8")
        program = install(warehouse.target, pinned()[warehouse.target]) / "bin"
        self._command = [str(program / warehouse.target), "--config", str(config)]
        self._warehouse = warehouse
        self._states = folder / "states.jsonl"

    def load(self, run: Run) -> None:
        """Load the output of a run."""
        subprocess.run(
            self._command,
            input=run.stdout,
            env=environment(),
            encoding="utf-8",
            check=True,
            capture_output=True,
            timeout=WITHIN,
        )

    def die(self, lines: list[str]) -> dict[str, Any]:
        """Kill the target after its first batch of these lines, and return the saved state."""
        with (
            self._states.open("w", encoding="utf-8") as states,
            subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=states,
                stderr=subprocess.DEVNULL,
                env=environment(),
                encoding="utf-8",
            ) as target,
        ):
            try:
                target.stdin.writelines(lines)  # type: ignore[union-attr]
                target.stdin.flush()  # type: ignore[union-attr]
                wait_until(self._has_loaded)
            finally:
                target.kill()
        saved = self._states.read_text(encoding="utf-8").splitlines()
        return json.loads(saved[-1]) if saved else {}

    def _has_loaded(self) -> bool:
        if isinstance(self._warehouse, DuckDB):  # which is locked
            return self._states.stat().st_size > 0
        try:
            return bool(self._warehouse.rows("research_following"))
        except (ValueError, subprocess.CalledProcessError):  # half a line; no table
            return False


@pytest.mark.parametrize(
    ("title", "more"),
    [
        *((title, {}) for title in WAREHOUSES),
        pytest.param("DuckDB", {"flush_all_streams": False}, id="DuckDB by stream"),
    ],
)
def test_killed_target_loses_no_row_and_costs_no_request(
    sandbox: Sandbox,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    title: str,
    more: dict[str, Any],
) -> None:
    """RapidAPI's rows are in memory when the first batch of the Research API is loaded."""
    warehouse = WAREHOUSES[title](tmp_path, request)
    target = Target(title, warehouse, tmp_path, more)
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LISTS.items()})
    path = str(tmp_path / "follows.responses")
    config = settings(sandbox, LISTS, responses_path=path, rescan_after_hours=12)

    first = run(config | {"rapidapi_max_requests": 3})
    sent = [m.get("stream") for m in first.messages if m["type"] == "RECORD"]
    assert sent.count("rapidapi_following") < BATCH < sent.count("research_following")
    state = target.die(lines_until(first, "research_following", BATCH + 50))
    second = run(config, state)
    target.load(second)

    for stream, keys in KEYS.items():
        rows = first.records(stream) + second.records(stream)
        expected = by_key(map(in_utc, rows), keys)
        loaded = warehouse.rows(stream)
        assert by_key(loaded, keys).keys() == expected.keys()
        if title in {"DuckDB", "PostgreSQL"}:
            assert by_key(loaded, keys) == {k: warehouse.keep(r) for k, r in expected.items()}
            assert len(loaded) == len(expected)
    pages = Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)
    assert set(pages.values()) == {1}


def lines_until(run: Run, stream: str, record: int) -> list[str]:
    """Return what was sent before a record of a stream, counted from 0."""
    lines = run.stdout.splitlines(keepends=True)
    of_stream = [
        number
        for number, message in enumerate(run.messages)
        if message["type"] == "RECORD" and message["stream"] == stream
    ]
    return lines[: of_stream[record]]


def by_key(rows: Any, keys: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[key] for key in keys): row for row in rows}
