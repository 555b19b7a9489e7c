"""What the two list APIs have in common: from a request to a page of a list."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

import msgspec

from sandbox.endpoint import Endpoint, Response
from sandbox.faults import FAULTS, spoil
from sandbox.paging import page_of
from sandbox.world import DAY, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from sandbox.endpoint import Error, LoggedRequest
    from sandbox.server import Sandbox
    from sandbox.world import Account

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100)]
Cursor: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

DEFAULT_COUNT = 20


@dataclass(frozen=True)
class ListPage:
    """A page before it is written in a provider's form; faults change it here.

    Attributes:
        api: The provider.
        requested: The cursor of the request, in Unix seconds; that of the first page is now.
        accounts: The accounts as the provider describes them, newest follow first.
        cursor: The cursor of the next page.
        has_more: Whether there is a next page.
        total: The length of the list.
        members: Members of the payload that are not the page's own.
    """

    api: ListApi
    requested: int
    accounts: list[Any] | None
    cursor: Any
    has_more: Any
    total: Any
    members: Mapping[str, Any]


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
        self._scans: dict[str, list[int | None]] = {}

    @abstractmethod
    def read(self, request: Request, body: bytes) -> tuple[str, int | None, int]:
        """Return username, cursor (None for the first page) and count, or refuse a request."""

    @abstractmethod
    def authorize(self, request: Request) -> None:
        """Refuse a request without valid credentials."""

    @abstractmethod
    def describe(self, account: Account) -> Any:  # noqa: ANN401 - what JSON is made from
        """Return an account as the provider describes it."""

    @abstractmethod
    def payload(self, page: ListPage) -> dict[str, Any]:
        """Return a page in the provider's form. Members that are `UNSET` are left out."""

    def now(self) -> float:
        """Return the time of the lists, in Unix seconds."""
        return self.sandbox.clock.now()

    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:
        """Return a page, or the error of the provider."""
        entry.username, entry.cursor, entry.count = self.read(request, body)
        self.authorize(request)
        if self.quota_left() == 0:
            response = self.error(*self.quota_error)
        else:
            self.sandbox.used[self.provider, self._today()] += 1
            response = self._list(entry.username, entry.cursor, entry.count)
        response.delay = self.sandbox.scenario.latency
        return response

    def quota_left(self) -> int | None:
        """Return the number of requests that are accepted today; None if there is no quota."""
        quota = self.sandbox.scenario.quota
        used = self.sandbox.used[self.provider, self._today()]
        return None if quota is None else max(0, quota - used)

    def _today(self) -> int:
        return int(self.sandbox.clock.now()) // DAY

    def _list(self, username: str, cursor: int | None, count: int) -> Response:
        status = self.sandbox.world.status(username)
        is_page = status is Status.LISTED
        number = self._page_number(username, cursor)
        fault = self.sandbox.scenario.fault(self.provider, username, number, is_page=is_page)
        if is_page:
            page = self._page(username, cursor, count)
            if fault is not None and (change := FAULTS[fault.kind].page) is not None:
                page = replace(page, **change(page, fault.value))
            response = Response.of(_without_unset({**self.payload(page), **page.members}))
            response.accounts = len(page.accounts or ())
        else:
            http_status, code, message = self.no_list[status]
            response = self.error(http_status, code, message.format(username))
        return spoil(self, response, fault)

    def _page_number(self, username: str, cursor: int | None) -> int:
        """Return the number of a page in its scan, from 1.

        A page that is requested again keeps its number; a request without a cursor begins a
        new scan.
        """
        cursors = self._scans.setdefault(username, [])
        if cursor is None:
            cursors.clear()
        if cursor not in cursors:
            cursors.append(cursor)
        return cursors.index(cursor) + 1

    def _page(self, username: str, cursor: int | None, count: int) -> ListPage:
        world, scenario = self.sandbox.world, self.sandbox.scenario
        requested = int(self.now()) if cursor is None else cursor
        page = page_of(
            world.following(username, self.now()),
            requested,
            min(count, scenario.page_cap or count),
            repeat_boundary=scenario.boundary == "repeat",
        )
        return ListPage(
            api=self,
            requested=requested,
            accounts=[
                self.describe(world.accounts[follow.username])
                for follow in page.follows
                if follow.username not in world.hidden
            ],
            cursor=page.cursor,
            has_more=page.has_more,
            total=page.total,
            members={},
        )


def _without_unset(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_unset(value) if isinstance(value, dict) else value
        for name, value in payload.items()
        if value is not msgspec.UNSET
    }
