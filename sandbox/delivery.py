"""How an answer goes over the wire, well or badly.

Where the ASGI server would keep a broken answer from being sent, the fault writes to the
connection itself.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.clock import http_date

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from sandbox.api import Answer
    from sandbox.clock import Clock
    from sandbox.scenario import Value

_TRANSPORT = "sandbox.transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_ARRIVAL = 0.05
"""Seconds in which the first half of an answer arrives before the connection is reset."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the connection within the application's reach."""

    def on_message_begin(self) -> None:
        """Put the connection into the scope of every request."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {_TRANSPORT: self.transport}


class Delivery:
    """One answer on its way to the client.

    Args:
        answer: What to send.
        clock: The time of the `Date` header.
        connection: The ASGI scope and channels of the request.
    """

    def __init__(
        self, answer: Answer, clock: Clock, connection: tuple[Scope, Receive, Send]
    ) -> None:
        self._answer = answer
        self._clock = clock
        self._scope, self._receive, self._send = connection

    async def gone_within(self, seconds: float) -> bool:
        """Wait some seconds, or until the client is gone; whether it is."""
        try:
            await asyncio.wait_for(self._gone(), timeout=seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Send the answer as its fault says, or properly."""
        fault = self._answer.delivery
        await (
            self._properly() if fault is None else DELIVERIES[fault.kind](self, fault.value)
        )

    async def reset(self, where: Value) -> None:
        """Reset the connection before the answer, or in the middle of its body."""
        if where == "mid_body":
            self._transport.write(self._half())
            await asyncio.sleep(_ARRIVAL)
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
        )
        self._transport.abort()
        await self._gone()

    async def short_body(self, _: Value) -> None:
        """Close the connection in the middle of the body, as if it were whole."""
        self._transport.write(self._half())
        self._transport.close()
        await self._gone()

    async def silent(self, _: Value) -> None:
        """Never answer."""
        await self._gone()

    async def drip(self, seconds: Value) -> None:
        """Send the body byte by byte, some seconds after one another."""
        pause = 1.0 if seconds is None else float(seconds)
        await self._start()
        for byte in self._answer.body:
            await self._body(bytes([byte]), more=True)
            if await self.gone_within(pause):
                return
        await self._body(b"")

    async def closed_after(self, _: Value) -> None:
        """Answer properly, then close the connection that the client means to reuse."""
        await self._properly()
        self._transport.close()

    async def _properly(self) -> None:
        await self._start()
        await self._body(self._answer.body)

    async def _start(self) -> None:
        headers = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in self._headers().items()
        ]
        await self._send(
            {"type": "http.response.start", "status": self._answer.status, "headers": headers}
        )

    async def _body(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _headers(self) -> dict[str, str]:
        return {
            "date": http_date(self._clock.now()),
            **self._answer.headers,
            "content-length": str(len(self._answer.body)),
        }

    def _half(self) -> bytes:
        status = HTTPStatus(self._answer.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {value}" for name, value in self._headers().items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head + self._answer.body[: len(self._answer.body) // 2]

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @property
    def _transport(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self._scope["extensions"][_TRANSPORT])


DELIVERIES: dict[str, Callable[[Delivery, Value], Awaitable[None]]] = {
    "reset": Delivery.reset,
    "short_body": Delivery.short_body,
    "silent": Delivery.silent,
    "drip": Delivery.drip,
    "closed_after": Delivery.closed_after,
}
"""The faults of delivery, by kind. Each takes the fault's value."""
