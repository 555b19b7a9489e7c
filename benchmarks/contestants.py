"""What is measured: the tap, and its peers doing the same work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import environment, process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.server import Server
    from sandbox import LoggedRequest

WORKERS = 16

NO_LIMIT = 1000
"""Requests a second: the most that the tap's setting takes."""

_STATE = b'{"type":"STATE"'
_FOLLOW = b'following","record":'
"""What tells a RECORD of a following stream, in its first 60 bytes."""

ENVIRONMENT = {
    "NO_PROXY": "127.0.0.1",
    "EXTRACT__WORKERS": str(WORKERS),
    "EXTRACT__MAX_PARALLEL_ITEMS": str(WORKERS),
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}
"""For the peers: dlt has no other way to be told."""


@dataclass(frozen=True)
class Run:
    """One run of a contestant.

    Attributes:
        usage: What its process took.
        requests: The requests for pages that arrived, in their order.
        start_up: Seconds from its start to its first request, that for a token included.
        records: How many follows it gave out.
        output: What it wrote to stdout.
    """

    usage: process.Usage
    requests: list[LoggedRequest]
    start_up: float
    records: int
    output: Path

    @property
    def wall(self) -> float:
        """Seconds from its first request to the end of its process."""
        return self.usage.ended - self.usage.started - self.start_up

    def states(self) -> Iterator[bytes]:
        """The STATE messages that it wrote, a line each."""
        with self.output.open("rb") as lines:
            yield from (line for line in lines if line.startswith(_STATE))


def tap(  # noqa: D417 - settings are the tap's own
    server: Server,
    folder: Path,
    *options: str,
    **settings: Any,  # noqa: ANN401
) -> Run:
    """Run the tap on all lists of a server.

    Args:
        server: Where the lists are.
        folder: Where to write what it needs and what it gives.
        options: Further options of its command line.
    """
    config = tap_config(server, folder, **settings)
    config_path = folder / "tap.json"
    config_path.write_text(json.dumps(config), encoding="utf-8")
    command = environment.program("taps", "tap-tiktok-following")
    arguments = ["--config", str(config_path), *options]
    return _run(server, [command, *arguments], folder / "tap.jsonl")


def tap_config(
    server: Server,
    folder: Path,
    **settings: Any,  # noqa: ANN401 - the tap's own
) -> dict[str, Any]:
    """The tap's settings to read all lists of a server as fast as it can."""
    path = folder / "usernames.txt"
    path.write_text("\n".join(server.usernames), encoding="utf-8")
    research = {key: value for key, value in server.config.items() if "research" in key}
    return {
        **research,
        "usernames_path": str(path),
        "concurrency": WORKERS,
        "research_requests_per_second": NO_LIMIT,
        **settings,
    }


def plain_tap(server: Server, folder: Path) -> Run:
    """Run the tap that the SDK's template makes."""
    config = {
        "client_key": server.config["research_client_key"],
        "client_secret": server.config["research_client_secret"],
        "api_url": server.config["research_api_url"],
        "usernames": server.usernames,
    }
    path = folder / "plain.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [environment.program("taps", "python"), "-m", "benchmarks.plain_tap"]
    return _run(server, [*command, "--config", str(path)], folder / "plain.jsonl")


def _run(server: Server, command: Sequence[str], output: Path) -> Run:
    server.take_log()
    usage = process.run(command, output, ENVIRONMENT)
    log = server.take_log()
    requests = [request for request in log if request.provider == "research"]
    return Run(usage, requests, log[0].at - usage.started, _records(output), output)


def _records(output: Path) -> int:
    with output.open("rb") as lines:
        return sum(_FOLLOW in line[:60] for line in lines)
