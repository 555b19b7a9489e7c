"""The plain pipe of docs/targets.md, into each of its targets, and what they have loaded."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.documents import section_of
from tests.e2e.postgres import Postgres
from tests.e2e.reader import Reader
from tests.e2e.targets import blocks_of, target
from tests.harness import Run
from tests.warehouse import ELSEWHERE, Row, Warehouse

SCRIPT, RUN = section_of("docs/targets.md", "In a plain pipe")

TAP = f"""\
#!/bin/bash
set -o pipefail
trap : INT TERM HUP
{sys.executable} -m tap_tiktok_following "$@" | (trap '' INT TERM HUP; tee -a messages.jsonl)
"""
"""What they type as tap-tiktok-following: it notes what is sent to the target."""

TIMES = {
    *("scanned_at", "previous_scanned_at", "followed_at_earliest", "followed_at_latest"),
    *("read_until", "read_down_to"),
}


class Loaded:
    """The tables that the target under a heading of docs/targets.md has loaded."""

    def __init__(self, title: str, folder: Path, server: Postgres | None = None) -> None:
        self._title = title
        self._files = folder / "follows"
        self._database = Warehouse(str(folder / "follows.duckdb"))
        if title == "PostgreSQL" and server:
            self._database = server.database("warehouse")

    def rows(self, stream: str) -> list[Row]:
        """Return all rows of a table; times are in UTC."""
        return [in_utc(row) for row in self._read(stream)]

    def _read(self, stream: str) -> Iterator[Row]:
        if self._title in {"DuckDB", "PostgreSQL"}:
            for row in self._database.rows(f"tiktok.{stream}"):
                yield {k: v for k, v in row.items() if not k.startswith("_sdc_")}
            return
        suffix = "csv" if self._title == "CSV" else "jsonl"
        for path in self._files.glob(f"{stream}-*.{suffix}"):
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file) if suffix == "csv" else map(json.loads, file)

    def keep(self, row: Row) -> Row:
        """Return a record as the target stores it."""
        row = in_utc(row)
        if self._title == "DuckDB":  # in which an empty string is null
            return {name: None if value == "" else value for name, value in row.items()}
        if self._title == "CSV":  # in which everything is a string, and null an empty one
            kept = {name: "" if value is None else str(value) for name, value in row.items()}
            return kept | {name: row[name] or "" for name in row.keys() & TIMES}
        return row


def in_utc(row: Row) -> Row:
    """Return a row with times parsed; those without a zone are in UTC."""
    return row | {name: _moment(row[name]) for name in row.keys() & TIMES if row[name]}


def _moment(time: str | datetime) -> datetime:
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


class Pipe:
    """A reader who has set up the tap and a target in a folder, as docs/targets.md says."""

    def __init__(
        self, folder: Path, title: str, config: Mapping[str, Any], server: Postgres
    ) -> None:
        blocks, installed = blocks_of(title), target(title)
        if "pgsql" in blocks:
            server.new_database().ask(blocks["pgsql"])
        variables = {"TZ": ELSEWHERE, "PGHOST": str(server.home)}
        stand_ins = {RUN.text: f"bash run.sh {installed.name}", "localhost": ""}
        self.reader = Reader(folder, variables, stand_ins)
        self.target = self.reader.programs / installed.name
        self.target.symlink_to(installed)
        tap = self.reader.programs / "tap-tiktok-following"
        tap.write_text(TAP, encoding="utf-8")
        tap.chmod(0o755)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "target.json").write_text(self.reader.here(blocks["json"]), encoding="utf-8")
        self.reader.follow([SCRIPT])
        self.warehouse = Loaded(title, folder, server)

    def run(self) -> Run:
        """Run it once, and return what the tap has sent."""
        sent = self.reader.folder / "messages.jsonl"
        sent.write_bytes(b"")
        self.reader.follow([RUN])
        return Run(0, sent.read_text(encoding="utf-8"), "")
