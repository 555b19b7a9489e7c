"""One request's way: what it asks, whether it may, what is answered, what goes wrong."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from sandbox.api import Answer, Refusal
from sandbox.delivery import Delivery
from sandbox.faults import CONTENT, Spot, spoil
from sandbox.limits import Limits
from sandbox.paging import page_of
from sandbox.world import Standing

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sandbox.api import Ask, ListApi, Stage
    from sandbox.scenario import Fault, Provider
    from sandbox.tokens import Tokens

_STARTED = time.time() - time.monotonic()


@dataclass
class LoggedRequest:
    """One request that the sandbox received, and what it answered.

    Attributes:
        provider: Which API it was sent to.
        username: Whose list it asked for; None for a token, or where it could not be read.
        cursor: The cursor it came with; None for the first page.
        count: How many accounts it asked for; None as for `username`.
        at: When it arrived: Unix seconds of the real clock, never running backwards.
        status: The HTTP status of the answer, even if a fault kept it from arriving; 0 until
            there is one.
        accounts: How many accounts the answer listed.
    """

    provider: Provider
    username: str | None = None
    cursor: int | None = None
    count: int | None = None
    at: float = field(default_factory=lambda: _STARTED + time.monotonic())
    status: int = 0
    accounts: int = 0


class Endpoint(ABC):
    """An ASGI application that answers the requests to one URL and writes them down.

    Args:
        stage: What the answers depend on.
        log: Where to write requests down, in the order they arrive.
        provider: Whose URL it is.
    """

    def __init__(self, stage: Stage, log: list[LoggedRequest], provider: Provider) -> None:
        self._stage = stage
        self._log = log
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        entry = LoggedRequest(self._provider)
        self._log.append(entry)
        request = Request(scope, receive)
        try:
            answer = self._answer(request, await request.body(), entry)
        except Refusal as refusal:
            answer = refusal.answer
        except ClientDisconnect:
            return
        delivery = Delivery(answer, self._stage.clock, (scope, receive, send))
        if answer.delay and await delivery.gone_within(answer.delay):
            return
        entry.status = answer.status
        entry.accounts = answer.accounts or 0
        await delivery.run()

    @abstractmethod
    def _answer(self, request: Request, body: bytes, entry: LoggedRequest) -> Answer:
        """What to answer.

        Raises:
            Refusal: If the request is refused.
        """

    def _fault(
        self, answer: Answer, username: str | None, page: int | None, request: int
    ) -> Fault | None:
        """The first fault that spoils this answer; those of content spoil pages only."""
        for fault in self._stage.scenario.faults:
            has_content = answer.accounts is not None or fault.kind not in CONTENT
            if has_content and fault.hits(self._provider, username, page, request):
                return fault
        return None


class TokenEndpoint(Endpoint):
    """The URL that gives access tokens."""

    def __init__(self, stage: Stage, log: list[LoggedRequest], tokens: Tokens) -> None:
        super().__init__(stage, log, "token")
        self._tokens = tokens

    def _answer(self, request: Request, body: bytes, _: LoggedRequest) -> Answer:
        answer = self._tokens.answer(request, body)
        fault = self._fault(answer, None, None, sum(e.provider == "token" for e in self._log))
        return answer if fault is None else spoil(answer, fault, self._tokens)


class ListEndpoint(Endpoint):
    """The URL of one provider's lists."""

    def __init__(self, stage: Stage, log: list[LoggedRequest], api: ListApi) -> None:
        super().__init__(stage, log, api.provider)
        self._api = api
        self._limits = Limits(api)
        self._asked: dict[str, list[int | None]] = {}
        self._requests: Counter[str] = Counter()

    def _answer(self, request: Request, body: bytes, entry: LoggedRequest) -> Answer:
        ask = self._api.read(request, body)
        entry.username, entry.cursor, entry.count = ask.username, ask.cursor, ask.count
        self._api.authorize(request)
        answer = self._limits.refusal() or self._spoiled(ask)
        answer.headers.update(self._api.quota_headers(self._limits.left()))
        answer.delay = self._stage.scenario.latency
        return answer

    def _spoiled(self, ask: Ask) -> Answer:
        answer = self._right(ask)
        asked = self._asked_until(ask)
        self._requests[ask.username] += 1
        fault = self._fault(answer, ask.username, len(asked), self._requests[ask.username])
        if fault is None:
            return answer
        return spoil(answer, fault, self._api, Spot(self._api, ask.username, asked))

    def _right(self, ask: Ask) -> Answer:
        world, scenario, now = self._stage.world, self._stage.scenario, self._api.now()
        standing = world.standing(ask.username)
        if standing is not Standing.LISTED:
            return self._api.no_list(ask.username, standing)
        follows = world.following(ask.username, now)
        if scenario.list_cap is not None:
            follows = follows[-scenario.list_cap :]
        page = page_of(
            follows,
            int(now) if ask.cursor is None else ask.cursor,
            min(ask.count, scenario.page_cap or ask.count),
            repeat_boundary=scenario.boundary == "repeat",
        )
        shown = [
            world.accounts[follow.username]
            for follow in page.follows
            if follow.username not in world.hidden
        ]
        return Answer(200, self._api.page(page, shown, now), accounts=len(shown))

    def _asked_until(self, ask: Ask) -> list[int | None]:
        """The different cursors of this pass down a list, up to the one asked for."""
        asked = self._asked.setdefault(ask.username, [])
        if ask.cursor is None:
            asked.clear()
        if ask.cursor not in asked:
            asked.append(ask.cursor)
        return asked[: asked.index(ask.cursor) + 1]
