"""Type `make follows` twice against the sandbox, whose people go on following in between."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.story import Story
from sandbox import Sandbox

ROOT = Path(__file__).parents[1]
PREFIX = "TAP_TIKTOK_FOLLOWING_"
FOLLOWS = [".tools/bin/python", "examples/follows.py", "--environment=sandbox"]


def main() -> int:
    """Serve the sandbox, run the command twice, and return the exit code of the last run."""
    story = Story()
    with (
        Sandbox(story) as sandbox,
        tempfile.NamedTemporaryFile("w", suffix=".csv") as usernames,
    ):
        print("username", *story.usernames, sep="\n", file=usernames, flush=True)
        os.environ.setdefault(f"{PREFIX}USERNAMES_PATH", usernames.name)
        # Only full scans show every unfollow.
        os.environ |= {**sandbox.env, f"{PREFIX}FULL_SCAN_AFTER_DAYS": "0"}
        for ordinal in ("First", "Second"):
            print(f"\n{ordinal} run", flush=True)
            if code := subprocess.call(FOLLOWS, cwd=ROOT):
                return code
    print("\nThe demo is complete; run it again to continue from here.")
    return 0


if __name__ == "__main__":
    # Ctrl-C reaches Meltano too, which has to end by itself, or the next run finds a lock.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(main())
