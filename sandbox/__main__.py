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
from typing import TYPE_CHECKING

import msgspec

from sandbox.sample import Sample
from sandbox.scenario import Scenario
from sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

_USERNAMES_PATH = "TAP_TIKTOK_FOLLOWING_USERNAMES_PATH"
_NOT_FOUND = 127
_KILLED = 128


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code: that of COMMAND, as a shell's, or 0."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        scenario = Scenario.load(options.scenario) if options.scenario else Scenario()
        world = Sample(options.usernames)
        sandbox = Sandbox(world, scenario=scenario, port=options.port)
    except msgspec.MsgspecError as error:
        parser.error(f"{options.scenario}: {error}")
    except (OSError, OverflowError) as error:
        parser.error(str(error))
    with sandbox, _file_of(world.usernames) as usernames:
        return int(options.do(sandbox, usernames, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="serve | run")
    serve = commands.add_parser("serve", help="serve until interrupted")
    serve.set_defaults(do=_serve)
    run = commands.add_parser("run", help="serve while a command runs")
    run.set_defaults(do=_run)
    for command, port in ((serve, 8765), (run, 0)):
        command.add_argument("--port", type=int, default=port, help=f"port; 0: free ({port})")
        command.add_argument(
            "--scenario", type=Path, metavar="FILE.json", help="faults, limits"
        )
        command.add_argument(
            "--usernames", type=int, default=40, metavar="N", help="number of usernames (40)"
        )
    run.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    return parser


@contextlib.contextmanager
def _file_of(usernames: Sequence[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        path = Path(folder) / "usernames.txt"
        path.write_text("".join(f"{name}\n" for name in usernames), encoding="utf-8")
        yield path


def _serve(sandbox: Sandbox, usernames: Path, _: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background ignores SIGINT
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        print(sandbox.url)  # noqa: T201
        for name, value in {**sandbox.env, _USERNAMES_PATH: usernames}.items():
            print(f"export {name}={value}", flush=True)  # noqa: T201
        threading.Event().wait()
    return 0


def _run(sandbox: Sandbox, usernames: Path, options: argparse.Namespace) -> int:
    print(f"sandbox: serving at {sandbox.url}", file=sys.stderr, flush=True)  # noqa: T201
    environment = {_USERNAMES_PATH: str(usernames), **os.environ, **sandbox.env}
    try:
        child = subprocess.Popen(options.command, env=environment)  # noqa: S603
    except OSError as error:
        print(f"sandbox: {options.command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return _NOT_FOUND

    def pass_on(number: int, _: FrameType | None) -> None:
        # A terminal sends Ctrl-C to COMMAND too, and a second one would mean "at once".
        if number != signal.SIGINT or not sys.stdin.isatty():
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    code = child.wait()
    return code if code >= 0 else _KILLED - code


if __name__ == "__main__":
    sys.exit(main())
