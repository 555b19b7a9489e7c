"""`python -m sandbox`: serve the sandbox, or run a command against it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import msgspec

from sandbox.sample import Sample
from sandbox.scenario import Scenario
from sandbox.server import Sandbox

_USERNAMES = [f"user{number}" for number in range(13)]
"""Those of the sample, and one that does not exist."""


def main() -> int:
    """Run the command line, and return the exit code: that of COMMAND, as a shell's, or 0."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="do", required=True, metavar="serve | run")
    serve = commands.add_parser("serve", help="serve until interrupted")
    run = commands.add_parser("run", help="serve while a command runs")
    for command, port in ((serve, 8765), (run, 0)):
        command.add_argument("--port", type=int, default=port, help=f"port; 0: free ({port})")
        command.add_argument("--scenario", type=Path, metavar="FILE.json", help="faults")
    run.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    options = parser.parse_args()
    try:
        text = options.scenario.read_bytes() if options.scenario else b"{}"
        scenario = msgspec.json.decode(text, type=Scenario)
        sandbox = Sandbox(Sample(), scenario=scenario, port=options.port)
    except msgspec.MsgspecError as error:
        parser.error(f"{options.scenario}: {error}")
    except (OSError, OverflowError) as error:
        parser.error(str(error))
    with sandbox, tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        print(*_USERNAMES, sep="\n", file=file, flush=True)
        usernames = {"TAP_TIKTOK_FOLLOWING_USERNAMES_PATH": file.name}
        if options.do == "serve":
            return _serve(sandbox.url, {**sandbox.env, **usernames})
        print(f"sandbox: serving at {sandbox.url}", file=sys.stderr)  # noqa: T201
        return _run(options.command, {**usernames, **os.environ, **sandbox.env})


def _serve(url: str, environment: dict[str, str]) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background ignores SIGINT
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        print(url)  # noqa: T201
        for name, value in environment.items():
            print(f"export {name}={value}", flush=True)  # noqa: T201
        threading.Event().wait()
    return 0


def _run(command: list[str], environment: dict[str, str]) -> int:
    try:
        child = subprocess.Popen(command, env=environment)  # noqa: S603
    except OSError as error:
        print(f"sandbox: {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 127
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to COMMAND too
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
