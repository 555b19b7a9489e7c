"""A made-up world whose follows go on as time passes.

Everything is a function of the seed and the time: whoever asks again finds the same follows,
and what has happened since, in this process or in another.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from demo import names
from sandbox.clock import DAY
from sandbox.world import Accounts, Follow, Status, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.world import Account

SPAN = 730 * DAY
"""Seconds that a list reaches back."""

CHAPTER = 2 * 60 * 60
"""Seconds after which the follows and unfollows of the chapter are taken back, so that lists
keep their size however long the story goes on."""

BEAT = 5
"""Seconds in each of which one follow and one unfollow happen somewhere."""

_SIZE_WITH_BANNED = 640
_SIZES = (
    *(1200, _SIZE_WITH_BANNED, 480, 330, 210, 160, 101, 100, 99, 60, 45, 31, 20, 12),
    *(7, 3, 1, *range(5, 37, 2), 0, 0, 0),
)
_TROUBLED = ("private", "private", "unavailable", "missing")
"""The roles of every 40 usernames: the sizes of their lists, or why they have none."""

_BANNED = 220
"""Banned accounts next to each other in one list: more than two pages' worth, so that a page
of 100 among them is empty wherever it begins."""

_CARD = 20
"""How many old follows of a list make it one card in the deck that says who unfollows next."""

_CROWD = 4000
"""Accounts outside the cast. Each has a list of its own, which stays as it is."""

_CROWD_SINCE = 1_577_836_800
"""The crowd's follows were made in the `SPAN` from this time on (2020-01-01 00:00 UTC)."""

_IN_CROWD = range(1, _CROWD)
_POPULAR = range(1, 13)
"""The dozen of the crowd that many accounts follow."""

RENAMED = (names.crowd(12), f"{names.crowd(12)}.live")
"""The usernames of one popular account: in the first and in the second hour of a chapter."""


class Story(World):
    """A cast of usernames who follow each other and a crowd, and go on doing so.

    A few of the cast's lists are long, many short, some empty; among every 40 usernames two
    are private, one is unavailable and one does not exist. The crowd's lists are still. What
    is changed in a story by hand lasts until the next full hour.

    Args:
        seed: Another seed is another story.
        usernames: How many usernames the cast has.
    """

    def __init__(self, seed: int = 1, usernames: int = 40) -> None:
        super().__init__()
        self.accounts = Accounts(self._describe)
        self._seed = seed
        self._cast = [names.cast(place) for place in range(usernames)]
        self._sizes: dict[str, int] = {}
        self._hours: dict[str, int] = {}
        for place, username in enumerate(self._cast):
            self._introduce(username, place % (len(_SIZES) + len(_TROUBLED)))
        lively = [username for username, size in self._sizes.items() if size]
        self._turns = {username: turn for turn, username in enumerate(lively)}
        self._deal_cards()
        self._gather_crowd()

    @property
    def usernames(self) -> list[str]:
        """The cast, those without a list too."""
        return list(self._cast)

    def status(self, username: str) -> Status:
        """Return whether the list of a username can be read; not if it is not in use now."""
        return Status.NOT_FOUND if self._unused(username) else super().status(username)

    def _introduce(self, username: str, role: int) -> None:
        if role < len(_SIZES):
            self._follows[username] = []
            self._sizes[username] = _SIZES[role]
            return
        trouble = _TROUBLED[role - len(_SIZES)]
        self.hidden.add(username)
        if trouble == "private":
            self.private.add(username)
        elif trouble == "unavailable":
            self.unavailable.add(username)

    def _deal_cards(self) -> None:
        """Settle who unfollows next: the longer a list, the more often its owner does."""
        deck = [name for name in self._turns for _ in range(self._sizes[name] // _CARD)]
        self._random("deck").shuffle(deck)
        self._deck = len(deck)
        self._cards: dict[str, list[int]] = {}
        for card, username in enumerate(deck):
            self._cards.setdefault(username, []).append(card)

    def _gather_crowd(self) -> None:
        """Give the crowd lists of 4 to 120, some of them private or hidden."""
        self.hidden.update(map(names.banned, range(_BANNED)))
        self.hidden.update(names.crowd(number) for number in range(0, _CROWD, 40))
        for number in _IN_CROWD:
            username = names.crowd(number)
            self._follows[username] = []
            self._sizes[username] = 4 + number * 37 % 117
            if number % 10 == 3:  # noqa: PLR2004 - any ten and fifty would do
                self.private.add(username)
            elif number % 50 == 7:  # noqa: PLR2004
                self.hidden_lists.add(username)
        self._follows[RENAMED[1]], self._sizes[RENAMED[1]] = [], self._sizes[RENAMED[0]]

    def _describe(self, username: str) -> Account:
        if username == RENAMED[1]:
            return replace(self.accounts[RENAMED[0]], username=username)
        account = names.colourful(username)
        return replace(
            account,
            following=self._sizes.get(username, account.following),
            is_private=username in self.private,
        )

    def _list(self, username: str) -> list[Follow]:
        hour = int(self.clock.now()) // (CHAPTER // 2)
        if username in self._sizes and self._hours.get(username) != hour:
            follows = [
                replace(follow, username=self._now_called(follow.username))
                for follow in self._ever_followed(username, hour // 2)
            ]
            self._follows[username] = sorted(follows, key=lambda follow: follow.at)
            self._hours[username] = hour
        return super()._list(username)

    def _unused(self, username: str) -> bool:
        return username in RENAMED and username != self._now_called(RENAMED[0])

    def _now_called(self, username: str) -> str:
        in_second_hour = int(self.clock.now()) % CHAPTER >= CHAPTER // 2
        return RENAMED[1] if username == RENAMED[0] and in_second_hour else username

    def _ever_followed(self, username: str, chapter: int) -> Iterator[Follow]:
        """Everyone that a username follows at any time of a chapter."""
        if username in self._turns:
            yield from self._old(username, chapter)
            yield from self._latest(username, chapter)
        elif self._sizes[username] and not self._unused(username):
            yield from self._still(RENAMED[0] if username == RENAMED[1] else username)

    def _still(self, username: str) -> Iterator[Follow]:
        """The follows of one of the crowd: the same always."""
        random = self._random(username)
        size = self._sizes[username]
        for followed in self._choice(random, username, size, friends=size // 12, charm=0.5):
            if followed != username:
                yield Follow(followed, _CROWD_SINCE + random.randrange(SPAN))

    def _old(self, username: str, chapter: int) -> Iterator[Follow]:
        """The follows from before this chapter, some of which end in it.

        They are of the same accounts always; what is older than the span is followed anew.
        """
        first, last = chapter * CHAPTER, (chapter + 1) * CHAPTER - 1
        follows = [
            Follow(followed, last - (last - when) % SPAN)
            for followed, when in self._habits(username)
        ]
        old = [f for f in follows if f.at < first and f.username not in self.hidden]
        self._random(f"{username}/{chapter}").shuffle(old)
        ends = self._unfollows(username, chapter)
        until = dict(zip(old[len(old) // 4 :], ends, strict=False))
        for follow in follows:
            yield replace(follow, until=until.get(follow))

    def _habits(self, username: str) -> Iterator[tuple[str, int]]:
        """Who one of the cast follows, each with a time within the span."""
        random = self._random(username)
        size = self._sizes[username]
        if size == _SIZE_WITH_BANNED:
            start = random.randrange(SPAN - DAY)
            yield from ((names.banned(n), start + 60 * n) for n in range(_BANNED))
            size -= _BANNED
        for followed in self._choice(random, username, size, friends=(size + 4) // 5, charm=1):
            yield followed, random.randrange(SPAN)

    def _choice(
        self, random: Random, username: str, size: int, *, friends: int, charm: float
    ) -> list[str]:
        """Different accounts to follow: of the cast, of the popular ones, of the crowd."""
        cast = random.sample(self._cast, min(len(self._cast), friends))
        known = [friend for friend in cast if friend != username]
        liked = [number for number in _POPULAR if random.random() < charm - number / 30]
        idols = liked[: (size - len(known)) // 2]
        others = range(_POPULAR.stop, _CROWD)
        crowd = random.sample(others, size - len(known) - len(idols))
        return [*known, *map(names.crowd, idols), *map(names.crowd, crowd)]

    def _unfollows(self, username: str, chapter: int) -> Iterator[int]:
        """When a username unfollows someone. At every beat it is the next card's turn."""
        beats = (
            beat
            for card in self._cards.get(username, ())
            for beat in _beats(chapter, card, self._deck)
        )
        for beat in sorted(beats):
            yield beat * BEAT + (beat * self._seed + 2) % BEAT

    def _latest(self, username: str, chapter: int) -> Iterator[Follow]:
        """The follows of this chapter. At every beat it is the next one's turn."""
        turn = self._turns[username] + self._seed
        for beat in _beats(chapter, turn, len(self._turns)):
            yield Follow(names.passing(beat), beat * BEAT + beat * self._seed % BEAT)

    def _random(self, what: str) -> Random:
        return Random(f"{self._seed}/{what}")  # noqa: S311 - it must be repeatable


def _beats(chapter: int, turn: int, turns: int) -> range:
    """Every beat of a chapter at which it is one of several turns."""
    first, end = (at * CHAPTER // BEAT for at in (chapter, chapter + 1))
    return range(first + (turn - first) % turns, end, turns)
