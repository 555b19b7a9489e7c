"""Run the pipeline twice against the sandbox, then show what the warehouse holds."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from demo import picture, warehouse

WAREHOUSE = Path("output/sandbox.duckdb")
LOG = Path("output/demo.log")
PICTURE = Path("output/follows.png")
PIPELINE = "meltano --environment=sandbox run tap-tiktok-following target-duckdb"


def main() -> int:
    """Return the exit code: 0, or 1 when a run failed."""
    counts = [warehouse.count_rows(WAREHOUSE)]
    with LOG.open("wb") as log:
        for ordinal in ("First", "Second"):
            print(f"{ordinal} run: {PIPELINE}", flush=True)
            started = time.monotonic()
            command = [".tools/bin/meltano", "--log-format=uncolored", *PIPELINE.split()[1:]]
            if subprocess.run(command, stdout=log, stderr=log, check=False).returncode != 0:
                return show_failure()
            print(f"  took {time.monotonic() - started:.0f} s", flush=True)
            counts.append(warehouse.count_rows(WAREHOUSE))
    warehouse.show(WAREHOUSE, counts)
    picture.draw(WAREHOUSE, PICTURE)
    print(f"The warehouse is the DuckDB file {WAREHOUSE}, the log is {LOG}.")
    print(f"Who follows whom, and since when: {PICTURE}.")
    print("The demo is complete; run it again and it goes on from here.")
    return 0


def show_failure() -> int:
    """Print the end of the log and return the exit code."""
    print(*LOG.read_text(errors="replace").splitlines()[-20:], sep="\n", file=sys.stderr)
    print(f"The run failed; above is the end of its log, {LOG}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    # Ctrl-C reaches Meltano too, which has to end by itself, or the next run finds a lock.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(main())
