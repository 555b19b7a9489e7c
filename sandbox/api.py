"""What the two list APIs have in common: a request, its refusal, and an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeGuard

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from sandbox.clock import Clock
    from sandbox.paging import Page
    from sandbox.scenario import Fault, Provider, Scenario
    from sandbox.world import Account, Standing, World

DEFAULT_COUNT = 20
MAX_COUNT = 100


class Stage(Protocol):
    """What every answer depends on. Its parts may be replaced between two requests."""

    clock: Clock
    scenario: Scenario

    @property
    def world(self) -> World:
        """The accounts and their follows."""


@dataclass(frozen=True)
class Ask:
    """What a valid request asks for.

    Attributes:
        username: Whose list.
        cursor: The newest follow time wanted, in Unix seconds; None for the first page.
        count: How many accounts, 1 to 100.
    """

    username: str
    cursor: int | None
    count: int


@dataclass
class Answer:
    """What is sent back.

    Attributes:
        status: The HTTP status.
        body: The body as it goes over the wire.
        headers: Headers beyond `Date` and `Content-Length`.
        accounts: How many accounts the page lists; None for anything but a page.
        delay: Seconds to wait before it is sent.
        delivery: The fault that says how to send it badly, if any.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(
        default_factory=lambda: {"content-type": "application/json; charset=utf-8"}
    )
    accounts: int | None = None
    delay: float = 0.0
    delivery: Fault | None = None

    @classmethod
    def of(cls, payload: object, status: int = 200) -> Answer:
        """An answer whose body is some value as JSON."""
        return cls(status, msgspec.json.encode(payload))


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the sandbox
    """A request that is answered with an error.

    Args:
        answer: The whole answer, in the provider's own form.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class Shape:
    """Where things are in a provider's pages; faults look here for what to spoil.

    Attributes:
        accounts: The object that holds the accounts, "" for the page itself, and their name.
        paging: The name of the object that holds `has_more` and the next cursor.
        cursor: The next cursor's name.
        cursor_at_end: Whether the last page has a cursor, too.
        key: The field that identifies an account.
    """

    accounts: tuple[str, str]
    paging: str
    cursor: str
    cursor_at_end: bool
    key: str


class ListApi(ABC):
    """One provider's list of followed accounts.

    Args:
        stage: What the answers depend on.
    """

    provider: ClassVar[Provider]
    shape: ClassVar[Shape]

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._encoded: dict[str, tuple[Account, bytes]] = {}

    @abstractmethod
    def read(self, request: Request, body: bytes) -> Ask:
        """What a request asks for.

        Raises:
            Refusal: If it is not a request as the provider documents it.
        """

    @abstractmethod
    def authorize(self, request: Request) -> None:
        """Let a request with good credentials pass.

        Raises:
            Refusal: If they are missing or wrong.
        """

    @abstractmethod
    def error(self, status: int, code: str, message: str) -> Answer:
        """An error in the provider's own form."""

    @abstractmethod
    def no_list(self, username: str, standing: Standing) -> Answer:
        """The answer for a username that has no list to give."""

    @abstractmethod
    def quota_spent(self) -> Answer:
        """The answer to a request beyond the quota."""

    def quota_headers(self, left: int | None) -> dict[str, str]:  # noqa: ARG002
        """The headers that say how many requests are left; none unless a provider has them.

        Args:
            left: How many are; None where there is no quota.
        """
        return {}

    @abstractmethod
    def too_fast(self) -> Answer:
        """The answer to a request beyond the rate."""

    @abstractmethod
    def page(self, page: Page, accounts: Sequence[Account], now: float) -> bytes:
        """The body that holds a page.

        Args:
            page: What was found.
            accounts: Those of its accounts that are not hidden.
            now: The time of the list, in Unix seconds.
        """

    @abstractmethod
    def describe(self, account: Account) -> object:
        """What the provider tells of an account."""

    def now(self) -> float:
        """The time whose lists are served, in Unix seconds."""
        return self.stage.clock.now()

    def listing(self, accounts: Sequence[Account]) -> bytes:
        """Accounts as a JSON array. Each account is encoded once, not once a page."""
        return b"[" + b",".join([self._encode(account) for account in accounts]) + b"]"

    def _encode(self, account: Account) -> bytes:
        known = self._encoded.get(account.username)
        if known is not None and known[0] is account:
            return known[1]
        encoded = msgspec.json.encode(self.describe(account))
        self._encoded[account.username] = (account, encoded)
        return encoded


def count_in_range(count: object) -> TypeGuard[int]:
    """Whether a page of this size may be asked for."""
    return is_int(count) and 1 <= count <= MAX_COUNT


def is_int(value: object) -> TypeGuard[int]:
    """Whether a value is a JSON integer of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
