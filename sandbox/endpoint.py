"""One URL of the sandbox: requests come in, are logged, and responses go out."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import msgspec
from starlette.requests import ClientDisconnect, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from sandbox.scenario import Provider
    from sandbox.server import Sandbox
    from sandbox.world import Clock

Error: TypeAlias = tuple[int, str, str]
"""HTTP status, code and message."""


@dataclass
class LoggedRequest:
    """One request that the sandbox received, and the response to it.

    Attributes:
        provider: The API it was sent to.
        username: The username of the list; None for a token, or if it could not be read.
        cursor: The cursor of the request; None for the first page.
        count: Number of accounts requested; None as for `username`.
        status: The HTTP status of the response, even if a fault kept it from arriving; 0 until
            there is one.
        accounts: Number of accounts in the response.
    """

    provider: Provider
    username: str | None = None
    cursor: int | None = None
    count: int | None = None
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
        sent: The fault of its delivery; None sends it properly.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(
        default_factory=lambda: {"content-type": "application/json; charset=utf-8"}
    )
    accounts: int = 0
    delay: float = 0.0
    sent: Callable[[Delivery], Awaitable[None]] | None = None

    @classmethod
    def of(cls, payload: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON
        """Return a response with a JSON body."""
        return cls(status, msgspec.json.encode(payload))


class Refused(Exception):  # noqa: N818 - the client's error
    """Raised with status, code and message for a request that gets an error."""


@dataclass
class Delivery:
    """One response on its way to the client.

    Attributes:
        response: What to send.
        clock: The time of the `Date` header.
        transport: The connection, for what an ASGI server would not send.
        receive: The ASGI channel from the client.
        send: The ASGI channel to the client.
    """

    response: Response
    clock: Clock
    transport: asyncio.Transport
    receive: Receive
    send: Send

    async def start(self) -> None:
        """Send the status and the headers."""
        headers = {
            "date": formatdate(self.clock.now(), usegmt=True),
            **self.response.headers,
            "content-length": str(len(self.response.body)),
        }
        await self.send(
            {
                "type": "http.response.start",
                "status": self.response.status,
                "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
            }
        )

    async def body(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body, which is the last one unless there is more."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def whole(self) -> None:
        """Send the response as it is."""
        await self.start()
        await self.body(self.response.body, more=False)

    async def gone(self) -> None:
        """Wait until the client is gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def is_gone_within(self, seconds: float) -> bool:
        """Wait some seconds, or until the client is gone; return whether it is."""
        try:
            await asyncio.wait_for(self.gone(), timeout=seconds)
        except asyncio.TimeoutError:
            return False
        return True


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
            response = self.error(*refused.args)
        except ClientDisconnect:
            return
        transport = self.sandbox.transport(scope["client"])
        delivery = Delivery(response, self.sandbox.clock, transport, receive, send)
        if response.delay and await delivery.is_gone_within(response.delay):
            return
        entry.status, entry.accounts = response.status, response.accounts
        await (delivery.whole() if response.sent is None else response.sent(delivery))

    @abstractmethod
    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:
        """Return the response to a request, or refuse it, and complete its log entry."""

    @abstractmethod
    def error(self, status: int, code: str, message: str) -> Response:
        """Return an error in the form of this API."""
