"""A clone of this repository with the example in it, and a list of usernames to read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from sandbox import Sandbox, World
from tests.e2e.postgres import Postgres
from tests.e2e.project import clone
from tests.e2e.reader import Reader
from tests.harness import PROVIDERS, follows_of, settings, variables

NAMES = [f"user.{number}" for number in range(3000)]
PRIVATE = {name for name in NAMES if name.endswith(".99")}
LENGTHS = {
    name: 130 if place % 50 == 0 else place % 7 + 1
    for place, name in enumerate(NAMES)
    if name not in PRIVATE
}
TAP = "tap-tiktok-following"


class Project:
    """The clone, and who types in it.

    Args:
        folder: Where to make it.
        sandbox: What its tap reads from; it gets the lists of `LENGTHS`.
        postgres: What it loads into.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, postgres: Postgres) -> None:
        sandbox.world = World.of(
            {name: follows_of(name, length) for name, length in LENGTHS.items()},
            private=PRIVATE,
        )
        self.folder = clone(folder)
        (folder / "usernames.txt").write_text("\n".join(NAMES), encoding="utf-8")
        config = settings(sandbox, [], usernames_path="usernames.txt")
        del config["usernames"]
        self.reader = Reader(
            self.folder,
            {
                **variables(config),
                "TARGET_POSTGRES_HOST": "127.0.0.1",
                "TARGET_POSTGRES_PORT": str(postgres.port),
                "TARGET_POSTGRES_DATABASE": "warehouse",
                "TARGET_POSTGRES_PASSWORD": "any",
                "PGTZ": "UTC",
            },
            {
                "/path/to/project": self.folder,
                "--research-requests-per-second 10": (
                    "--research-requests-per-second 5000 --rapidapi-requests-per-second 5000"
                ),
                "minutes=10": "seconds=1",
            },
        )
        dag = self.folder / "examples" / "airflow" / "tiktok_following.py"
        dag.write_text(self.reader.here(dag.read_text(encoding="utf-8")), encoding="utf-8")

    def usernames(self, shard: str) -> list[str]:
        """Return the usernames in the state of a shard, the same for both providers."""
        state = self.reader.state(f"prod:{TAP}-{shard}-to-target-postgres-{shard}")
        research, rapidapi = (
            sorted(
                entry["context"]["follower_username"]
                for entry in state["bookmarks"][f"{provider}_following"]["partitions"]
            )
            for provider in PROVIDERS
        )
        assert research == rapidapi
        return research

    def taps(self) -> dict[str, int]:
        """Return the process of each shard's tap that is running."""
        ps = ["/bin/ps", "-axww", "-o", "pid=,args="]
        listed = subprocess.check_output(ps, encoding="utf-8")
        folder = re.escape(f"{self.folder}/.meltano/run")
        found = re.findall(rf"^ *(\d+) .*{folder}/{TAP}-(\S+?)/", listed, re.MULTILINE)
        return {shard: int(pid) for pid, shard in found}

    def kill_tap(self, shard: str) -> None:
        """Kill a shard's tap: Meltano sees it."""
        os.kill(self.taps()[shard], signal.SIGKILL)

    def kill_all(self, shard: str) -> None:
        """Kill a shard's tap, target, Meltano and shell at once, as a lack of memory may."""
        os.killpg(os.getpgid(self.taps()[shard]), signal.SIGKILL)
