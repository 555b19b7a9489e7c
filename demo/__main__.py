"""Run the pipeline twice against the sandbox and dbt once, then show what changed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from demo import picture, warehouse
from demo.story import Story
from sandbox import Sandbox

WAREHOUSE = Path("output/sandbox.duckdb")
LOG = Path("output/demo.log")
PICTURE = Path("output/follows.png")
PIPELINE = "meltano --environment=sandbox run tap-tiktok-following target-duckdb"
MODELS = "meltano --environment=sandbox run dbt-duckdb:build"
"""A command of its own: where the tap ends with an error Meltano starts no block after it."""

PREFIX = "TAP_TIKTOK_FOLLOWING_"


def main() -> int:
    """Serve the sandbox, run the demo, and return the exit code: 1 if a command failed."""
    story = Story()
    with Sandbox(story) as sandbox, tempfile.NamedTemporaryFile("w") as usernames:
        print(*story.usernames, sep="\n", file=usernames, flush=True)
        os.environ.setdefault(f"{PREFIX}USERNAMES_PATH", usernames.name)
        # Only full scans show every unfollow.
        os.environ |= {**sandbox.env, f"{PREFIX}FULL_SCAN_AFTER_DAYS": "0"}
        return show_changes()


def show_changes() -> int:
    """Run the pipeline twice and dbt once, and show what changed; return the exit code."""
    LOG.write_bytes(b"")
    counts = [warehouse.count_rows(WAREHOUSE)]
    started = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
    for ordinal in ("First", "Second"):
        if not run(f"{ordinal} run", PIPELINE):
            return show_failure()
        counts.append(warehouse.count_rows(WAREHOUSE))
    if not run("Models", MODELS):
        return show_failure()
    warehouse.show(WAREHOUSE, counts, started)
    picture.draw(WAREHOUSE, PICTURE, started)
    print(f"The warehouse is the DuckDB file {WAREHOUSE}, the log is {LOG}.")
    print(f"The most followed, the network and what changed: {PICTURE}.")
    print("The demo is complete; run it again to continue from here.")
    return 0


def run(title: str, command: str) -> bool:
    """Run a command of Meltano, log its output, and return whether it succeeded."""
    print(f"{title}: {command}", flush=True)
    started = time.monotonic()
    meltano = [".tools/bin/meltano", "--log-format=uncolored", *command.split()[1:]]
    with LOG.open("ab") as log:
        ended = subprocess.run(meltano, stdout=log, stderr=log, check=False)
    print(f"  took {time.monotonic() - started:.0f} s", flush=True)
    return ended.returncode == 0


def show_failure() -> int:
    """Print the end of the log and return the exit code."""
    print(*LOG.read_text(errors="replace").splitlines()[-20:], sep="\n", file=sys.stderr)
    print(f"The run failed; above is the end of its log, {LOG}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    # Ctrl-C reaches Meltano too, which has to end by itself, or the next run finds a lock.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(main())
