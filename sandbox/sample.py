"""The lists that `python -m sandbox` serves."""

from __future__ import annotations

from sandbox.world import Follow, World

_ROLES = (1200, 430, 210, 101, 100, 45, 20, 7, 1, 0, "private", "unavailable", "missing")
"""Of every 13 usernames, the lengths of their lists, or why they have none."""

_EVERY = 60
"""Seconds between two new follows on a list."""

_ACCOUNTS = 5003
"""A prime, so that no list has an account twice."""


class Sample(World):
    """Lists that change with the time only, and are the same in every process.

    Once a minute, every account with followed accounts follows another one and unfollows the
    one that it followed first.

    Args:
        usernames: Number of usernames.
    """

    def __init__(self, usernames: int) -> None:
        super().__init__()
        self._roles = {f"user{n}": _ROLES[n % len(_ROLES)] for n in range(usernames)}
        self._follows = {name: [] for name, role in self._roles.items() if role != "missing"}
        self.private |= {name for name, role in self._roles.items() if role == "private"}
        self.unavailable |= {
            name for name, role in self._roles.items() if role == "unavailable"
        }

    @property
    def usernames(self) -> list[str]:
        """All usernames, including those without a list."""
        return [*self._roles]

    def _list(self, username: str) -> list[Follow]:
        length = self._roles.get(username)
        if not isinstance(length, int):
            return []
        step = 1 + list(self._roles).index(username)
        newest = int(self.clock.now()) // _EVERY
        return [
            Follow(f"account{step * minute % _ACCOUNTS}", at=minute * _EVERY)
            for minute in range(newest - length + 1, newest + 1)
        ]
