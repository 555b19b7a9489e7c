"""A made-up crowd whose follows go on as time passes.

Everything is a function of the seed and the time: whoever asks again finds the same follows,
and those that have happened since, in this process or in another.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from sandbox.clock import DAY
from sandbox.world import Account, Accounts, Follow, World

if TYPE_CHECKING:
    from collections.abc import Iterator

SPAN = 730 * DAY
"""Seconds that a list reaches back."""

CHAPTER = 2 * 60 * 60
"""Seconds after which the follows of the latest minutes are taken back, so that lists keep
their size however long the story goes on. Within a chapter nobody unfollows anyone."""

BEAT = 5
"""Seconds in each of which one follow happens somewhere."""

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

_FIRST = (
    *("amber", "basil", "cedar", "dahlia", "ember", "fable", "ginger", "hazel"),
    *("indigo", "juniper", "koa", "luna", "mango", "nova", "olive", "pepper"),
    *("quill", "river", "sage", "tango", "umber", "violet", "willow", "zephyr"),
)
_SECOND = (
    *("bakes", "builds", "cooks", "dances", "draws", "farms", "films", "games"),
    *("hikes", "jokes", "knits", "laughs", "learns", "maps", "paints", "plays"),
    *("reads", "runs", "sews", "sings", "skates", "surfs", "teaches", "travels"),
)
_ORNAMENTS = (
    "",
    " 🦊",
    " ✨",
    " نور",
    " 東京",
    " 👩‍👩‍👧‍👦",
    " 𠮷野家",
    " שלום",
    " 🇳🇿",
    " café",
)
_CROWD = 4000
"""Accounts outside the cast, whom the cast follows."""


class Story(World):
    """A crowd of usernames who follow each other and many others, and go on following.

    A few lists are long, many short, some empty; among every 40 usernames two are private,
    one is unavailable and one does not exist. What is changed in a story by hand lasts until
    its chapter ends.

    Args:
        seed: Another seed is another story.
        usernames: How many usernames it has.
    """

    def __init__(self, seed: int = 1, usernames: int = 40) -> None:
        super().__init__()
        self.accounts = Accounts(_colourful)
        self._seed = seed
        self._cast = [_name(place, "_") for place in range(usernames)]
        self._sizes: dict[str, int] = {}
        self._chapters: dict[str, int] = {}
        for place, username in enumerate(self._cast):
            self._introduce(username, place % (len(_SIZES) + len(_TROUBLED)))
        lively = [username for username, size in self._sizes.items() if size]
        self._turns = {username: turn for turn, username in enumerate(lively)}
        self.hidden.update(map(_banned, range(_BANNED)))
        self.hidden.update(_crowd(number) for number in range(0, _CROWD, 40))

    @property
    def usernames(self) -> list[str]:
        """Everyone in the story, those without a list too."""
        return list(self._cast)

    def _introduce(self, username: str, role: int) -> None:
        if role < len(_SIZES):
            self._lists[username] = []
            self._sizes[username] = _SIZES[role]
            return
        trouble = _TROUBLED[role - len(_SIZES)]
        self.hidden.add(username)
        if trouble == "private":
            self.private.add(username)
            self.accounts[username] = replace(self.accounts[username], is_private=True)
        elif trouble == "unavailable":
            self.unavailable.add(username)

    def _list(self, username: str) -> list[Follow]:
        chapter = int(self.clock.now()) // CHAPTER
        if username in self._sizes and self._chapters.get(username) != chapter:
            follows = [*self._history(username, chapter), *self._latest(username, chapter)]
            self._lists[username] = sorted(follows, key=lambda follow: follow.at)
            self._chapters[username] = chapter
        return super()._list(username)

    def _history(self, username: str, chapter: int) -> Iterator[Follow]:
        """The same accounts always; what is older than the span is followed anew."""
        last = (chapter + 1) * CHAPTER - 1
        for followed, when in self._habits(username):
            yield Follow(followed, last - (last - when) % SPAN)

    def _habits(self, username: str) -> Iterator[tuple[str, int]]:
        """Whom a username follows, each with a time within the span."""
        random = Random(f"{self._seed}/{username}")  # noqa: S311 - it must be repeatable
        size = self._sizes[username]
        if size == _SIZE_WITH_BANNED:
            start = random.randrange(SPAN - DAY)
            yield from ((_banned(number), start + 60 * number) for number in range(_BANNED))
            size -= _BANNED
        friends = random.sample(self._cast, min(len(self._cast), (size + 4) // 5))
        followed = [friend for friend in friends if friend != username]
        crowd = random.sample(range(_CROWD), size - len(followed))
        for name in (*followed, *map(_crowd, crowd)):
            yield name, random.randrange(SPAN)

    def _latest(self, username: str, chapter: int) -> Iterator[Follow]:
        """The follows of this chapter. At every beat it is the next one's turn."""
        if username not in self._turns:
            return
        first, end = (at * CHAPTER // BEAT for at in (chapter, chapter + 1))
        everyone = len(self._turns)
        own_first = first + (self._turns[username] + self._seed - first) % everyone
        for beat in range(own_first, end, everyone):
            yield Follow(_passing(beat), beat * BEAT + beat * self._seed % BEAT)


def _name(number: int, separator: str) -> str:
    first, rest = number % len(_FIRST), number // len(_FIRST)
    second = _SECOND[(rest + 7 * first) % len(_SECOND)]
    again = rest // len(_SECOND)
    return f"{_FIRST[first]}{separator}{second}{again or ''}"


def _crowd(number: int) -> str:
    return _name(number, ".")


def _banned(number: int) -> str:
    return f"banned.{number}"


def _passing(beat: int) -> str:
    return f"{_name(beat % 500, '.')}.{beat % 100_000}"


def _colourful(username: str) -> Account:
    account = Account.made_up(username)
    number = int(account.user_id)
    name = account.display_name + _ORNAMENTS[number % len(_ORNAMENTS)]
    likes = 11_000_000_000 if number % 50 == 0 else account.total_likes
    return replace(account, display_name=name, total_likes=likes)
