"""The world of the demo: 40 usernames who follow each other and others, more every second."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from demo import names
from sandbox.world import DAY, Accounts, Follow, World

HOUR = 60 * 60

BEAT = 5
"""Seconds between two new follows; each of them ends after an hour."""

_BEGIN, _END = 1_790_812_800 - 730 * DAY, 1_790_812_800
"""Unix seconds between which all other follows were made."""

_LENGTHS = (
    *(1200, 420, 480, 330, 210, 160, 101, 100, 99, 60, 45, 31, 20, 12),
    *(7, 3, 1, *range(5, 37, 2), 0, 0, 0),
)
"""The lengths of the first 36 lists; the other usernames have none."""

_POPULAR = range(1, 13)
_CROWD = range(13, 4000)


class Story(World):
    """Lists that depend on the time only, and are the same in every process."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = Accounts(names.colourful)
        self._cast = [names.cast(number) for number in range(40)]
        self._follows = {
            name: sorted(self._old(name, length), key=lambda follow: follow.at)
            for name, length in zip(self._cast, _LENGTHS, strict=False)
        }
        self._lively = [name for name, follows in self._follows.items() if follows]
        *private, unavailable, _ = self._cast[len(_LENGTHS) :]
        self.private.update(private)
        self.unavailable.add(unavailable)
        self.hidden.update(self._cast[len(_LENGTHS) :])

    @property
    def usernames(self) -> list[str]:
        """All usernames, including those without a list."""
        return self._cast

    def _list(self, username: str) -> list[Follow]:
        return [*super()._list(username), *self._latest(username)]

    def _latest(self, username: str) -> Iterator[Follow]:
        """Return the follows of the last hour: at every beat it is the next one's turn."""
        if username in self._lively:
            turns, turn = len(self._lively), self._lively.index(username)
            last = int(self.clock.now()) // BEAT
            first = last - HOUR // BEAT
            for beat in range(first + (turn - first) % turns, last + 1, turns):
                at = beat * BEAT
                yield Follow(names.passing(beat), at, until=at + HOUR)

    def _old(self, username: str, length: int) -> Iterator[Follow]:
        random = Random(username)  # noqa: S311 - it must be repeatable
        friends = [
            name
            for name in random.sample(self._cast, min(len(self._cast), (length + 4) // 5))
            if name != username
        ]
        popular = [n for n in _POPULAR if random.random() < 1 - n / 30]
        popular = popular[: (length - len(friends)) // 2]
        crowd = random.sample(_CROWD, length - len(friends) - len(popular))
        for name in (*friends, *map(names.crowd, popular), *map(names.crowd, crowd)):
            yield Follow(name, random.randrange(_BEGIN, _END - DAY))
