"""How a response is sent, properly or not.

Where the ASGI server would not send a broken response, the fault writes to the connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from sandbox.clock import Clock
    from sandbox.endpoint import Response

_TRANSPORT = "sandbox.transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol; applications can reach the connection."""

    def on_message_begin(self) -> None:
        """Put the connection into the scope of every request."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {_TRANSPORT: self.transport}


class Delivery:
    """One response on its way to the client.

    Args:
        response: What to send.
        clock: The time of the `Date` header.
        connection: The ASGI scope and channels of the request.
    """

    def __init__(
        self, response: Response, clock: Clock, connection: tuple[Scope, Receive, Send]
    ) -> None:
        self._response = response
        self._clock = clock
        self._scope, self._receive, self._send = connection

    async def is_gone_within(self, seconds: float) -> bool:
        """Wait some seconds, or until the client is gone; return whether it is."""
        try:
            await asyncio.wait_for(self._gone(), timeout=seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Send the response as its fault says, or properly."""
        fault = self._response.delivery
        if fault is None:
            await self._properly()
        else:
            await DELIVERIES[fault.kind](self, fault.value)

    async def reset(self, where: Any) -> None:  # noqa: ANN401 - any JSON
        """Reset the connection before the response, or in the middle of its body."""
        if where == "mid_body":
            self._transport.write(self._half())
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
        )
        self._transport.abort()
        await self._gone()

    async def short_body(self, _: object) -> None:
        """Close the connection in the middle of the body."""
        self._transport.write(self._half())
        self._transport.close()
        await self._gone()

    async def silent(self, _: object) -> None:
        """Send nothing."""
        await self._gone()

    async def drip(self, seconds: Any) -> None:  # noqa: ANN401
        """Send the body byte by byte, with some seconds between two bytes."""
        pause = 1.0 if seconds is None else float(seconds)
        await self._start()
        for byte in self._response.body:
            await self._body(bytes([byte]), more=True)
            if await self.is_gone_within(pause):
                return
        await self._body(b"")

    async def closed_after(self, _: object) -> None:
        """Respond properly, then close a connection that the client means to reuse."""
        await self._properly()
        self._transport.close()

    async def _properly(self) -> None:
        await self._start()
        await self._body(self._response.body)

    async def _start(self) -> None:
        headers = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in self._headers().items()
        ]
        status = self._response.status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _headers(self) -> dict[str, str]:
        return {
            "date": formatdate(self._clock.now(), usegmt=True),
            **self._response.headers,
            "content-length": str(len(self._response.body)),
        }

    def _half(self) -> bytes:
        status = HTTPStatus(self._response.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {value}" for name, value in self._headers().items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head + self._response.body[: len(self._response.body) // 2]

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @property
    def _transport(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self._scope["extensions"][_TRANSPORT])


DELIVERIES: dict[str, Callable[[Delivery, Any], Awaitable[None]]] = {
    "reset": Delivery.reset,
    "short_body": Delivery.short_body,
    "silent": Delivery.silent,
    "drip": Delivery.drip,
    "closed_after": Delivery.closed_after,
}
"""The faults of delivery, by kind."""
