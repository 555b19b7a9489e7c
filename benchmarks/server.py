"""The sandbox in a process of its own, not to share an interpreter with anything measured."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

from benchmarks.worlds import usernames, world
from sandbox import Sandbox, Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from typing_extensions import Self

    from sandbox import LoggedRequest

STOP_WITHIN = 10
"""Seconds."""


class Server:
    """A sandbox with lists of given lengths; a context manager.

    Every account comes once: a page's cursor is the time of the next page's first account.

    Args:
        lengths: How many accounts each list holds.
        latency: Seconds that every page takes.

    Attributes:
        lengths: As given.
        usernames: Whose lists they are.
        config: The tap's settings for it, without usernames.
    """

    def __init__(self, lengths: Sequence[int], latency: float = 0.0) -> None:
        # Not a fork, which would take the threads and the memory of this process with it.
        context = multiprocessing.get_context("spawn")
        self.lengths = lengths
        self.usernames = usernames(lengths)
        self._here, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, lengths, latency), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        self.config: dict[str, str] = self._here.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self._process.join(STOP_WITHIN)

    def take_log(self) -> list[LoggedRequest]:
        """The requests received since the last call, in the order they arrived."""
        self._here.send("log")
        log: list[LoggedRequest] = self._here.recv()
        return log


def _serve(there: Connection, lengths: Sequence[int], latency: float) -> None:
    scenario = Scenario(latency=latency, boundary="skip")
    with Sandbox(world(lengths), scenario=scenario) as sandbox:
        there.send(sandbox.config)
        try:
            while there.recv():
                there.send(sandbox.take_requests())
        except EOFError:
            return
