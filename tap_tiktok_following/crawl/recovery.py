"""Answers that an earlier run paid for and that the state does not cover are read again.

They go through the same code as fresh ones, with a `fetch` that serves them from the file of
answers and behaves like a closed gate at its end. Each visit is built from the state that was
restored, not from what the dead run knew, which would lose accounts with an older state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tap_tiktok_following.crawl.reading import Reading
from tap_tiktok_following.errors import Interrupted, NoPage, Skipped
from tap_tiktok_following.model import Place, RawResponse, Response
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.words import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_tiktok_following.crawl.reading import Fetch
    from tap_tiktok_following.model import Event
    from tap_tiktok_following.providers import Provider
    from tap_tiktok_following.state.answers import Answers, Kept
    from tap_tiktok_following.state.bookmarks import Bookmarks


class Recovery:
    """Reads the kept answers of one stream.

    Args:
        answers: The file.
        provider: Reads the bodies.
        source: The stream and base URL whose answers are read.
        bookmarks: The restored state.
    """

    def __init__(
        self, answers: Answers, provider: Provider, source: str, bookmarks: Bookmarks
    ) -> None:
        self._answers = self._usernames = self._accounts = 0
        self._file = answers
        self._provider = provider
        self._source = source
        self._bookmarks = bookmarks

    @property
    def summary(self) -> str:
        """What was recovered, for the log; "" if nothing was."""
        if not self._answers:
            return ""
        return (
            f"recovered {many(self._answers, 'answer')} that an earlier run paid for "
            f"({many(self._usernames, 'username')}, {many(self._accounts, 'account')} sent)"
        )

    def events(self, usernames: Iterable[str]) -> Iterator[Event]:
        """Delete the answers that the state covers, and read the others.

        Each event must be in the state before the next one is requested.

        Args:
            usernames: The configured usernames; answers about others are left alone.

        Yields:
            The events of the run that died, none of them `Outcome.INTERRUPTED`.
        """
        self._file.drop(self._source, self._bookmarks.places())
        asked_for = set(usernames)
        for username in self._file.usernames(self._source):
            if username in asked_for:
                yield from self._of(username)

    def _of(self, username: str) -> Iterator[Event]:
        before = self._answers
        places = self._file.places(self._source, username)
        while first := self._next(username, places):
            for event in self._read(username, first):
                self._accounts += len(event.records)
                yield event
            if self._bookmarks.place(username) < first:
                break  # it could not be read again
        self._usernames += self._answers > before

    def _next(self, username: str, places: list[Place]) -> Place | None:
        """The first answer that can be read; None if there is none.

        An answer has to wait if one before it is neither kept nor covered, or if an earlier
        scan is unfinished.
        """
        resume = self._bookmarks.visit(username).resume
        if resume is not None:
            following = Place(resume.scanned_at, resume.pages + 1)
            return following if following in places else None
        covered = self._bookmarks.place(username)
        starts = (place for place in places if place > covered and place.page == 1)
        return next(starts, None)

    def _read(self, username: str, first: Place) -> Iterator[Event]:
        kept = self._file.get(self._source, username, first)
        if kept is None:
            return
        visit = self._bookmarks.visit(username)
        if visit.resume is None:
            visit = replace(visit, start=(kept.scanned_at, kept.started))
        reading = Reading(
            visit,
            fetch=self._serve(kept),
            page_size=kept.count,
            key=self._provider.key,
            broken_off={},
        )
        for event in reading.events():
            if event.outcome is not Outcome.INTERRUPTED:
                yield event

    def _serve(self, first: Kept) -> Fetch:
        """Serve an answer and those right after it, each for its own cursor only."""
        upcoming: Kept | None = first

        def fetch(
            username: str,
            cursor: int | None,
            count: int,  # noqa: ARG001 - a page holds what was asked for then
            on_request: Callable[[], None],
        ) -> Response:
            nonlocal upcoming
            kept = upcoming
            if kept is None or kept.cursor != cursor:
                raise Interrupted
            following = Place(kept.scanned_at, kept.page + 1)
            upcoming = self._file.get(self._source, username, following)
            return self._answer(kept, on_request)

        return fetch

    def _answer(self, kept: Kept, on_request: Callable[[], None]) -> Response:
        raw = RawResponse(kept.status, kept.body, kept.as_of, kept.until, kept.came_at)
        try:
            page = self._provider.read_page(raw)
        except Skipped:
            self._count(kept, on_request)
            raise
        except NoPage as error:
            raise Interrupted from error  # another version of this tap read more into it
        self._count(kept, on_request)
        return Response.of(raw, page, kept.count)

    def _count(self, kept: Kept, on_request: Callable[[], None]) -> None:
        self._answers += 1
        for _ in range(kept.tries):
            on_request()
