"""One URL of the sandbox: requests come in, are logged, and responses go out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import msgspec
from starlette.requests import ClientDisconnect, Request

from sandbox.delivery import Delivery

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sandbox.scenario import Fault, Provider
    from sandbox.server import Sandbox

Error: TypeAlias = tuple[int, str, str]
"""HTTP status, code and message."""

_STARTED = time.time() - time.monotonic()


@dataclass
class LoggedRequest:
    """One request that the sandbox received, and the response to it.

    Attributes:
        provider: The API it was sent to.
        username: The username of the list; None for a token, or if it could not be read.
        cursor: The cursor of the request; None for the first page.
        count: Number of accounts requested; None as for `username`.
        at: When it arrived: Unix seconds of the real clock, never running backwards.
        status: The HTTP status of the response, even if a fault kept it from arriving; 0 until
            there is one.
        accounts: Number of accounts in the response.
    """

    provider: Provider
    username: str | None = None
    cursor: int | None = None
    count: int | None = None
    at: float = field(default_factory=lambda: _STARTED + time.monotonic())
    status: int = 0
    accounts: int = 0


@dataclass
class Response:
    """One response.

    Attributes:
        status: The HTTP status.
        body: The body as it goes over the wire.
        headers: Headers beyond `Date` and `Content-Length`.
        accounts: Number of accounts on the page.
        delay: Seconds to wait before it is sent.
        delivery: The fault of its delivery, if any.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(
        default_factory=lambda: {"content-type": "application/json; charset=utf-8"}
    )
    accounts: int = 0
    delay: float = 0.0
    delivery: Fault | None = None

    @classmethod
    def of(cls, payload: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON
        """Return a response with a JSON body."""
        return cls(status, msgspec.json.encode(payload))


class Refused(Exception):  # noqa: N818 - the client's error
    """Raised for a request that gets an error.

    Args:
        response: The error in the provider's own form.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Endpoint(ABC):
    """An ASGI application that responds to the requests for one URL and logs them.

    Args:
        sandbox: Its clock, world and scenario decide the responses; its log is written.

    Attributes:
        provider: Its name in the log and in faults.
        rate_error: The error for requests that come too fast.
    """

    provider: ClassVar[Provider]
    rate_error: ClassVar[Error]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        entry = LoggedRequest(self.provider)
        self.sandbox.requests.append(entry)
        request = Request(scope, receive)
        try:
            response = self.respond(request, await request.body(), entry)
        except Refused as refused:
            response = refused.response
        except ClientDisconnect:
            return
        delivery = Delivery(response, self.sandbox.clock, (scope, receive, send))
        if response.delay and await delivery.is_gone_within(response.delay):
            return
        entry.status, entry.accounts = response.status, response.accounts
        await delivery.run()

    @abstractmethod
    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:
        """Return the response to a request.

        Args:
            request: The request.
            body: Its body.
            entry: Its place in the log, to be completed.

        Raises:
            Refused: If the request gets an error.
        """

    @abstractmethod
    def error(self, status: int, code: str, message: str) -> Response:
        """Return an error in the form of this API."""

    def revoke_tokens(self) -> Response:
        """Revoke all access tokens, and return the response to a request with one."""
        return self.error(401, "", "Unauthorized")
