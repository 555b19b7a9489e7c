"""What the two list APIs have in common: from a request to a page of a list."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

import msgspec

from sandbox.clock import DAY
from sandbox.endpoint import Endpoint, Response
from sandbox.faults import PAGES, spoil
from sandbox.paging import page_of
from sandbox.world import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from sandbox.endpoint import Error, LoggedRequest
    from sandbox.scenario import Fault
    from sandbox.server import Sandbox
    from sandbox.world import Account

DEFAULT_COUNT = 20
MAX_COUNT = 100


@dataclass
class ListPage:
    """A page before it is written in a provider's form; faults change it here.

    Attributes:
        api: The provider.
        username: The username of the list.
        requested: The cursors of the scan so far, in Unix seconds, this page's last.
        accounts: The accounts as the provider describes them, newest follow first.
        cursor: The cursor of the next page.
        has_more: Whether there is a next page.
        is_last: Whether the page is written as a last one.
        total: The length of the list.
        members: Members of the payload that are not the page's own.
    """

    api: ListApi
    username: str
    requested: list[int]
    accounts: list[Any] | None
    cursor: Any
    has_more: Any
    is_last: bool
    total: int
    members: dict[str, Any]


class ListApi(Endpoint):
    """One provider's lists.

    Attributes:
        key: The field that identifies an account.
        no_list: The errors for lists that cannot be read; `{}` stands for the username.
        quota_error: The error for requests over the quota.
    """

    key: ClassVar[str]
    no_list: ClassVar[Mapping[Status, Error]]
    quota_error: ClassVar[Error]

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._encoded: dict[str, tuple[Account, msgspec.Raw]] = {}
        self._scans: dict[str, list[int | None]] = {}
        self._day = 0
        self._used_today = 0
        self._last_second: deque[float] = deque()

    @abstractmethod
    def read(self, request: Request, body: bytes) -> tuple[str, int | None, int]:
        """Return username, cursor (None for the first page) and count of a request.

        Raises:
            Refused: If it is not a request as the provider documents it.
        """

    @abstractmethod
    def authorize(self, request: Request) -> None:
        """Accept a request with valid credentials.

        Raises:
            Refused: If they are missing or wrong.
        """

    def quota_headers(self, left: int) -> dict[str, str]:  # noqa: ARG002
        """Return the headers about the quota, if the provider has any.

        Args:
            left: Number of requests that are left.
        """
        return {}

    @abstractmethod
    def describe(self, account: Account) -> dict[str, Any]:
        """Return an account as the provider describes it."""

    @abstractmethod
    def payload(self, page: ListPage) -> dict[str, Any]:
        """Return a page in the provider's form. Members that are `UNSET` are left out."""

    def now(self) -> float:
        """Return the time of the lists, in Unix seconds."""
        return self.sandbox.clock.now()

    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:
        """Return a page, or the error of the provider."""
        username, cursor, count = self.read(request, body)
        entry.username, entry.cursor, entry.count = username, cursor, count
        self.authorize(request)
        response = self._over_limit() or self._list(username, cursor, count)
        quota = self.sandbox.scenario.quota
        if quota is not None:
            response.headers |= self.quota_headers(max(0, quota - self._used_today))
        response.delay = self.sandbox.scenario.latency
        return response

    def _over_limit(self) -> Response | None:
        scenario, day = self.sandbox.scenario, int(self.sandbox.clock.now()) // DAY
        if day != self._day:
            self._day, self._used_today = day, 0
        if scenario.quota is not None and self._used_today >= scenario.quota:
            return self.error(*self.quota_error)
        # A rate is about the network: the sandbox's clock may stand still.
        while self._last_second and time.monotonic() - self._last_second[0] >= 1:
            self._last_second.popleft()
        if scenario.rate is not None and len(self._last_second) >= scenario.rate:
            response = self.error(*self.rate_error)
            if scenario.retry_after is not None:
                response.headers["retry-after"] = scenario.retry_after
            return response
        self._used_today += 1
        self._last_second.append(time.monotonic())
        return None

    def _list(self, username: str, cursor: int | None, count: int) -> Response:
        scan = self._scan(username, cursor)
        status = self.sandbox.world.status(username)
        page = self._page(username, scan, count) if status is Status.LISTED else None
        fault = self._fault(username, len(scan), has_page=page is not None)
        if page is None:
            http_status, code, message = self.no_list[status]
            response = self.error(http_status, code, message.format(username))
        else:
            if fault is not None and fault.kind in PAGES:
                PAGES[fault.kind](page, fault.value)
            response = Response.of(_without_unset(self.payload(page) | page.members))
            response.accounts = len(page.accounts or ())
        return response if fault is None else spoil(self, response, fault)

    def _scan(self, username: str, cursor: int | None) -> list[int | None]:
        """Return the different cursors of this scan, up to the requested one.

        A page that is requested again keeps its number; a request without a cursor begins a
        new scan.
        """
        cursors = self._scans.setdefault(username, [])
        if cursor is None:
            cursors.clear()
        if cursor not in cursors:
            cursors.append(cursor)
        return cursors[: cursors.index(cursor) + 1]

    def _page(self, username: str, scan: list[int | None], count: int) -> ListPage:
        world, scenario = self.sandbox.world, self.sandbox.scenario
        cursors = [int(self.now()) if cursor is None else cursor for cursor in scan]
        follows = world.following(username, self.now())
        if scenario.list_cap is not None:
            follows = follows[-scenario.list_cap :]
        page = page_of(
            follows,
            cursors[-1],
            min(count, scenario.page_cap or count),
            repeat_boundary=scenario.boundary == "repeat",
        )
        return ListPage(
            api=self,
            username=username,
            requested=cursors,
            accounts=[
                self._encode(world.accounts[follow.username])
                for follow in page.follows
                if follow.username not in world.hidden
            ],
            cursor=page.cursor,
            has_more=page.has_more,
            is_last=not page.has_more,
            total=page.total,
            members={},
        )

    def _encode(self, account: Account) -> msgspec.Raw:
        known = self._encoded.get(account.username)
        if known is not None and known[0] is account:
            return known[1]
        encoded = msgspec.Raw(msgspec.json.encode(self.describe(account)))
        self._encoded[account.username] = (account, encoded)
        return encoded

    def _fault(self, username: str, page: int, *, has_page: bool) -> Fault | None:
        for fault in self.sandbox.scenario.faults:
            if (has_page or fault.kind not in PAGES) and fault.hits(
                self.provider, username, page
            ):
                return fault
        return None


def is_count(value: object) -> TypeGuard[int]:
    """Return whether a page of this size may be requested."""
    return is_int(value) and 1 <= value <= MAX_COUNT


def is_int(value: object) -> TypeGuard[int]:
    """Return whether a value is a JSON integer of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _without_unset(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_unset(value) if isinstance(value, dict) else value
        for name, value in payload.items()
        if value is not msgspec.UNSET
    }
