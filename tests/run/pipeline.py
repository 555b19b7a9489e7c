"""A pipeline without HTTP and without processes: it dies where it is told to, and comes back.

The lists, the scans, the state and the response file are real. Requests of several lists
interleave by chance, and a target saves the states that it is told to.
"""

from __future__ import annotations

import copy
import json
import sys
from collections import Counter, deque
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.paging import page_of
from tap_tiktok_following.errors import NoPage
from tap_tiktok_following.model import Policy, RawResponse, Response
from tap_tiktok_following.providers import Research
from tap_tiktok_following.run.reader import Reader, Store
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.plan import make_plan
from tap_tiktok_following.state.responses import ResponseFile

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sandbox import World
    from tap_tiktok_following.model import Event

    State = dict[str, Any]
    Asked = tuple[str, int | None, int]

Key = tuple[str, str, str]
"""Of a row: follower, account and time of scan."""

SOURCE = "research_following https://here"
END = sys.maxsize
NEVER = -1
WORKERS = 3
AHEAD = 2


class Killed(BaseException):
    """The run died with a request in flight."""


@dataclass(frozen=True)
class Death:
    """How a run ends, counted in what it does: a page that arrives, or one that is written.

    Attributes:
        at: After how many steps it dies; `END` if it does not.
        saved: At which step the target saves a state with the rows before it; `NEVER` for
            none, so that the state with which the run began comes back.
        older: Which of all states so far comes back instead, from the newest; 0 for none.
        in_flight: How many requests are in flight then, at most.
    """

    at: int = END
    saved: int = END
    older: int = 0
    in_flight: int = WORKERS


@dataclass
class Pipeline:
    """What several runs have asked for, sent and loaded.

    Attributes:
        world: The lists.
        path: The response file.
        chance: What decides which worker is next.
        now: Unix seconds: each request takes one.
        page_size: How many accounts are asked for.
        policy: How lists are read.
        broken: The cursors whose pages fail for now.
        asked: Every request for a page.
        lost: Those that were in flight when a run died.
        sent: Every row that was ever sent, by its key.
        loaded: The keys of those that the target has saved.
        states: The states that came back, the newest last.
        rows: The rows of the scans stream of the last run.
        is_steady: Whether no row may come twice with another content, as where neither lists
            nor settings change.
    """

    world: World
    path: Path
    chance: random.Random
    now: int
    page_size: int = 5
    policy: dict[str, Any] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    asked: Counter[Asked] = field(default_factory=Counter)
    lost: Counter[Asked] = field(default_factory=Counter)
    sent: dict[Key, dict[str, Any]] = field(default_factory=dict)
    loaded: set[Key] = field(default_factory=set)
    states: list[State] = field(default_factory=lambda: [{}])
    rows: list[dict[str, Any]] = field(default_factory=list)
    is_steady: bool = True

    def __post_init__(self) -> None:
        self._provider = Research({"research_api_url": "https://here"})
        self._is_dying = False

    def run(self, death: Death | None = None, names: Sequence[str] = ()) -> None:
        """Run once, from the state that came back last.

        Args:
            death: How it ends; not before its end, with all of it saved, unless given.
            names: Whose lists to read; all there are unless given.
        """
        death = death or Death()
        state = copy.deepcopy(self.states[-1])
        bookmarks = Bookmarks(state, keep_rows=True)
        written: list[Key] = []
        self._is_dying = False
        with closing(ResponseFile(self.path)) as responses:
            steps = self._steps(bookmarks, responses, names or self.world.usernames)
            for number, event in enumerate(steps):
                if number == death.saved:
                    self._save(state, written)
                if number == death.at:
                    self._die(steps, death.in_flight)
                    break
                if event is not None:
                    written += map(self._send, event.records)
                    bookmarks.store(event)
            else:
                if death.saved == END:
                    self._save(state, written)
        self.rows = list(bookmarks.take_rows())
        if 0 < death.older <= len(self.states):
            self.states.append(self.states[-death.older])

    def _save(self, state: State, written: list[Key]) -> None:
        self.states.append(copy.deepcopy(state))
        self.loaded.update(written)

    def _send(self, record: dict[str, Any]) -> Key:
        key = record["follower_username"], record["username"], record["scanned_at"]
        before = self.sent.setdefault(key, record)
        assert before == record or not self.is_steady
        self.sent[key] = record
        return key

    def _die(self, steps: Iterator[Event | None], in_flight: int) -> None:
        """Some of the workers have asked for a page that never arrives."""
        self._is_dying = True
        for _ in range(self.chance.randint(0, in_flight)):
            next(steps, None)

    def _steps(
        self, bookmarks: Bookmarks, responses: ResponseFile, names: Sequence[str]
    ) -> Iterator[Event | None]:
        """Events in the order they are written; None where a page arrives."""
        policy = Policy("username", page_size=self.page_size, **self.policy)
        entries = map(bookmarks.entry, bookmarks.usernames())
        responses.delete_covered(SOURCE, entries)
        stored = responses.usernames(SOURCE)
        plan = make_plan(names, bookmarks.entry, stored, policy, self.now)

        def read(username: str) -> Iterator[Event]:
            store = Store(responses, SOURCE, self._provider)
            entry = bookmarks.entry(username)
            return Reader(entry, policy, self._fetch, store, lambda: None).events()

        yield from self._interleave(plan.usernames, read)

    def _interleave(
        self, usernames: list[str], read: Callable[[str], Iterator[Event]]
    ) -> Iterator[Event | None]:
        waiting = deque(usernames)
        workers: list[Iterator[Event]] = []
        arrived: deque[Event] = deque()
        while waiting or workers or arrived:
            while waiting and len(workers) < WORKERS:
                workers.append(read(waiting.popleft()))
            is_full = len(arrived) >= AHEAD * WORKERS
            if arrived and (is_full or not workers or self.chance.random() < 1 / 2):
                yield arrived.popleft()
                continue
            worker = self.chance.choice(workers)
            try:
                arrived.append(next(worker))
            except (StopIteration, Killed):
                workers.remove(worker)
            yield None

    def _fetch(
        self, username: str, cursor: int | None, count: int, on_request: Callable[[], None]
    ) -> Response:
        asked = username, cursor, count
        self.asked[asked] += 1
        self.now += 1
        on_request()
        if self._is_dying:
            self.lost[asked] += 1
            raise Killed
        status, body = self._respond(username, cursor, count)
        raw = RawResponse(status, body, self.now, self.now, self.now)
        try:
            return Response.of(raw, self._provider.read_page(raw), count)
        except NoPage as error:
            error.response = raw
            raise

    def _respond(self, username: str, cursor: int | None, count: int) -> tuple[int, bytes]:
        if username in self.world.private:
            error = {"code": "invalid_params", "message": f"{username} is private"}
            return 400, json.dumps({"error": error}).encode()
        if cursor in self.broken:
            return 418, b"{}"
        follows = self.world.following(username, self.now)
        asked = self.now if cursor is None else cursor
        page = page_of(follows, asked, count, repeat_boundary=True)
        data = {
            "user_following": [{"username": f.username} for f in page.follows],
            "cursor": page.cursor,
            "has_more": page.has_more,
        }
        return 200, json.dumps({"data": data, "error": {"code": "ok"}}).encode()
