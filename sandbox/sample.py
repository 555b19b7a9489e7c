"""The lists that `python -m sandbox` serves."""

from __future__ import annotations

from sandbox.world import Follow, World

_LENGTHS = (1200, 430, 210, 101, 100, 45, 20, 7, 1, 0)
"""The lengths of the lists of user0 to user9."""

_EVERY = 60
"""Seconds between two new follows on a list."""

_ACCOUNTS = 5003
"""A prime, so that no list has an account twice."""


class Sample(World):
    """Lists that change with the time only, and are the same in every process.

    Once a minute, every account with followed accounts follows another one and unfollows the
    one that it followed first.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lengths = {f"user{number}": length for number, length in enumerate(_LENGTHS)}
        self._follows = {username: [] for username in self._lengths}
        self.private.add("user10")
        self.unavailable.add("user11")

    def _list(self, username: str) -> list[Follow]:
        newest = int(self.clock.now()) // _EVERY
        step = int(username.removeprefix("user")) + 1
        return [
            Follow(f"account{step * minute % _ACCOUNTS}", at=minute * _EVERY)
            for minute in range(newest - self._lengths[username] + 1, newest + 1)
        ]
