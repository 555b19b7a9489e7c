"""The plain pipe of docs/targets.md, into each of its targets."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.documents import section_of
from tests.e2e.postgres import Postgres
from tests.e2e.reader import Reader
from tests.e2e.targets import blocks_of, install, loader, pinned
from tests.e2e.warehouses import Loaded
from tests.harness import Run
from tests.warehouse import ELSEWHERE

SCRIPT, RUN = section_of("docs/targets.md", "In a plain pipe")

TAP = f"""\
#!/bin/bash
set -o pipefail
{sys.executable} -m tap_tiktok_following "$@" | tee -ai messages.jsonl
"""
"""What they type as tap-tiktok-following: it notes what is sent to the target."""


class Pipe:
    """A reader who has set up the tap and a target as docs/targets.md says.

    Args:
        folder: Where to do that.
        title: The target's heading there.
        config: The tap's settings.
        server: Where PostgreSQL's target loads to.
    """

    def __init__(
        self, folder: Path, title: str, config: Mapping[str, Any], server: Postgres
    ) -> None:
        blocks, name = blocks_of(title), loader(title)["executable"]
        if "pgsql" in blocks:
            server.new_database().ask(blocks["pgsql"])
        variables = {"TZ": ELSEWHERE, "PGHOST": str(server.home)}
        stand_ins = {RUN.text: f"bash run.sh {name}", "localhost": ""}
        self.reader = Reader(folder, variables, stand_ins)
        self.target = self.reader.programs / name
        self.target.symlink_to(install(name, pinned()[name]) / "bin" / name)
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
