"""From a list of usernames to a page of who followed and unfollowed: `make follows`.

Runs the tap, the dbt models and the page with Meltano, shows what the tap and the page print,
and writes everything to a log. It needs Python and nothing else.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).parents[1]
MELTANO = ROOT / ".tools" / "bin" / "meltano"
TAP = "tap-tiktok-following"
VARIABLE = "TAP_TIKTOK_FOLLOWING_"
USERNAMES = "usernames.csv"

CREDENTIALS = {
    "research": ("research_client_key", "research_access_token"),
    "rapidapi": ("rapidapi_key",),
}
"""By provider, the settings of which one is enough to read its lists."""

NO_KEY = f"""\
No credentials are set: copy .env.example to .env and set {VARIABLE}RAPIDAPI_KEY, or
{VARIABLE}RESEARCH_CLIENT_KEY and {VARIABLE}RESEARCH_CLIENT_SECRET, there."""

NO_LIST = f"""\
No usernames are set: create {USERNAMES} with the header `username` and one username
per line."""

RUNNING = "Another `make follows` is running: wait until it has ended."

SILENT = (
    "Skipping parse of env var",
    "Beginning sync",
    "Starting incremental sync",
    "Block run completed",
    "Extractor failed",  # the tap has said why
    f"{TAP} v",
)
"""How messages start that say nothing about lists."""

LOUD = {"error", "critical"}
"""Levels at which whatever speaks is shown."""

STOPPED = 130
"""The exit code after Ctrl-C."""

signals: list[int] = []
"""Each Ctrl-C; after one, nothing more is begun."""


def main() -> int:
    """Return the exit code: that of the tap, or that of what failed after it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", default="prod", help="of meltano.yml (prod)")
    environment = parser.parse_args().environment
    os.chdir(ROOT)
    output = Path("output") / environment
    settings = _settings(environment)
    providers = [p for p, names in CREDENTIALS.items() if any(map(settings.get, names))]
    if not providers:
        return _fail(NO_KEY)
    if not settings.get("usernames") and not settings.get("usernames_path"):
        settings["usernames_path"] = os.environ[f"{VARIABLE}USERNAMES_PATH"] = USERNAMES
    if settings.get("usernames_path") == USERNAMES and not Path(USERNAMES).is_file():
        return _fail(NO_LIST)
    os.environ["DBT_DUCKDB_PROVIDERS"] = ", ".join(providers)
    with output.with_suffix(".log").open("ab") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _fail(RUNNING)
        log.truncate(0)
        output.with_suffix(".settings.json").write_text(json.dumps(settings), "utf-8")
        return _follow(environment, output.with_suffix(".duckdb"), log)


def _follow(environment: str, warehouse: Path, log: BinaryIO) -> int:
    meltano = [str(MELTANO), "--log-format=json", f"--environment={environment}"]
    if not warehouse.exists():
        print("Testing the credentials", flush=True)
        if code := _run([*meltano, "invoke", TAP, "--test"], log):
            return code
    print("Reading the lists", flush=True)
    read = _run([*meltano, "run", TAP, "target-duckdb"], log)
    if signals or not warehouse.exists():
        return read
    print("Building the page", flush=True)
    built = _run([*meltano, "run", "dbt-duckdb:build", "report:page"], log)
    return read or built  # there is a page of what was read, whatever could not be


def _settings(environment: str) -> dict[str, Any]:
    """Return the tap's settings as Meltano knows them, its secrets replaced by asterisks."""
    command = [str(MELTANO), "--log-level=warning", f"--environment={environment}"]
    shown = subprocess.run(
        [*command, "config", "print", TAP], check=False, capture_output=True, encoding="utf-8"
    )
    if signals:
        sys.exit(STOPPED)
    if shown.returncode:
        why = shown.stderr.strip().rpartition("\n")[2]
        sys.exit(f"Meltano cannot read the settings ({why}): correct .env or meltano.yml.")
    return json.loads(shown.stdout)  # type: ignore[no-any-return]


def _run(command: list[str], log: BinaryIO) -> int:
    """Run Meltano, show what is for a person, log everything, and return the exit code."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        for line in process.stderr or ():
            log.write(line)
            log.flush()
            for message in _for_a_person(line):
                print(message, flush=True)
    if signals:
        return STOPPED
    if process.returncode:
        print(f"The details are in {log.name}.", file=sys.stderr)
    return process.returncode


def _for_a_person(line: bytes) -> Iterator[str]:
    try:
        event: Mapping[str, Any] = json.loads(line)
    except ValueError:
        return
    text = str(event.get("event", ""))
    speaker = str(event.get("plugin_logger") or event.get("name"))
    is_shown = speaker.startswith((TAP, "report")) or event.get("level") in LOUD
    if is_shown and not text.startswith(SILENT):
        yield text


def _fail(message: str) -> int:
    print(message.replace("\n", " "), file=sys.stderr)
    return 1


if __name__ == "__main__":
    # Ctrl-C reaches Meltano too, which has to end by itself, or the next run finds a lock.
    signal.signal(signal.SIGINT, lambda signum, _: signals.append(signum))
    sys.exit(main())
