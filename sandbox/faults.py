"""The faults: one table of what each kind does to a response."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sandbox.endpoint import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.endpoint import Delivery, Endpoint
    from sandbox.lists import ListPage
    from sandbox.scenario import Fault

Value: TypeAlias = Any
"""A fault's value: the JSON that its kind asks for."""

_HTML = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
_MEGABYTE = b" " * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Kind:
    """What a kind of fault does, given the fault's value: one of these.

    Attributes:
        instead: Another response instead of the right one.
        page: What is different on a page. It affects pages only, no errors.
        body: The right body in other bytes.
        sent: Sends the right response badly.
    """

    instead: Callable[[Endpoint, Value], Response] | None = None
    page: Callable[[ListPage, Value], dict[str, Any]] | None = None
    body: Callable[[bytes], bytes] | None = None
    sent: Callable[[Delivery, Value], Awaitable[None]] | None = None


# Another response.


def _pair(value: Value, second: object) -> tuple[Any, Any]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value, second)


def _html(status: int) -> Response:
    return Response(status, _HTML, {"content-type": "text/html; charset=utf-8"})


def _status(api: Endpoint, value: Value) -> Response:
    status, form = _pair(value, "json")
    if form == "html":
        return _html(status)
    message = "Something is wrong. Please try again later."
    return api.error(status or 500, "internal_error", message)


def _error(api: Endpoint, value: Value) -> Response:
    status, code, message = value or (500, "internal_error", "")
    return api.error(status, code or "", message)


def _retry_after(api: Endpoint, value: Value) -> Response:
    wait, status = _pair(value, None)
    response = api.error(*api.rate_error) if status is None else _status(api, status)
    response.headers["retry-after"] = str(1 if wait is None else wait)
    return response


# Another page.


def _accounts(
    page: ListPage, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    # msgspec writes no half of a surrogate pair.
    changed = (json.dumps(change(account)) for account in msgspec.to_builtins(page.accounts))
    return {"accounts": [msgspec.Raw(account.encode()) for account in changed]}


def _without_first_key(page: ListPage, _: Value) -> dict[str, Any]:
    accounts = msgspec.to_builtins(page.accounts)
    for account in accounts[:1]:
        del account[page.api.key]
    return {"accounts": accounts}


def _without_name(account: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in account.items() if name != "display_name"}


def _with_name_ending(page: ListPage, text: str) -> dict[str, Any]:
    return _accounts(page, lambda a: {**a, "display_name": a["display_name"] + text})


def _error_beside(page: ListPage, value: Value) -> dict[str, Any]:
    error = page.api.error(200, *(value or ("internal_error", "Something is wrong.")))
    return {"members": {"error": json.loads(error.body)["error"]}}


# Another way over the wire.


async def _half(delivery: Delivery) -> None:
    body = delivery.response.body
    await delivery.start()
    await delivery.body(body[: len(body) // 2])


async def _reset(delivery: Delivery, where: Value) -> None:
    if where == "mid_body":
        await _half(delivery)
    delivery.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
    )
    delivery.transport.abort()
    await delivery.gone()


async def _short_body(delivery: Delivery, _: Value) -> None:
    await _half(delivery)
    delivery.transport.close()
    await delivery.gone()


async def _drip(delivery: Delivery, seconds: Value) -> None:
    await delivery.start()
    for byte in delivery.response.body:
        await delivery.body(bytes([byte]))
        if await delivery.is_gone_within(1.0 if seconds is None else seconds):
            return
    await delivery.body(b"", more=False)


FAULTS = {
    # Another response instead of the right one.
    "status": Kind(instead=_status),
    "error": Kind(instead=_error),
    "html_200": Kind(instead=lambda _, __: _html(200)),
    "redirect": Kind(
        instead=lambda _, url: Response(307, b"", {"location": url or "http://localhost:9/"})
    ),
    "retry_after": Kind(instead=_retry_after),
    "token_revoked": Kind(instead=lambda api, _: api.error(*api.sandbox.tokens.revoke_all())),
    "empty_body": Kind(instead=lambda _, __: Response(200, b"")),
    "no_content": Kind(instead=lambda _, __: Response(204, b"", {})),
    # Blinks: wrong lists with HTTP 200.
    "empty_page": Kind(page=lambda _, __: {"accounts": []}),
    "empty_list": Kind(page=lambda _, __: {"accounts": [], "has_more": False}),
    "early_end": Kind(page=lambda _, __: {"has_more": False}),
    "list_null": Kind(page=lambda _, __: {"accounts": None}),
    "total": Kind(page=lambda _, total: {"total": total}),
    # Wrong paging.
    "has_more_missing": Kind(page=lambda _, __: {"has_more": msgspec.UNSET}),
    "cursor_missing": Kind(page=lambda _, __: {"cursor": msgspec.UNSET}),
    "cursor_null": Kind(page=lambda _, __: {"cursor": None}),
    "cursor_zero": Kind(page=lambda _, __: {"cursor": 0}),
    "cursor_forward": Kind(page=lambda page, by: {"cursor": page.requested + (by or 3600)}),
    "cursor_still": Kind(page=lambda page, _: {"cursor": page.requested}),
    "cursor_string": Kind(page=lambda page, _: {"cursor": str(page.cursor)}),
    "cursor_float": Kind(page=lambda page, _: {"cursor": float(page.cursor)}),
    "cursor_ms": Kind(page=lambda page, _: {"cursor": page.cursor * 1000}),
    # Wrong content.
    "data_null": Kind(page=lambda _, __: {"accounts": None, "members": {"data": None}}),
    "error_in_200": Kind(page=_error_beside),
    "key_missing": Kind(page=_without_first_key),
    "wrong_type": Kind(
        page=lambda page, _: _accounts(page, lambda a: {**a, "display_name": {"not": 1}})
    ),
    "missing_field": Kind(page=lambda page, _: _accounts(page, _without_name)),
    "surrogate": Kind(page=lambda page, _: _with_name_ending(page, "\ud83d")),
    "nul": Kind(page=lambda page, _: _with_name_ending(page, "\x00")),
    # The right response in unreadable bytes.
    "truncated": Kind(body=lambda body: body[: len(body) // 2]),
    "nan": Kind(body=lambda body: body[:-1] + b',"extra":NaN}'),
    "huge": Kind(body=lambda body: body + _MEGABYTE * 20),
    "gzip_bomb": Kind(body=lambda body: gzip.compress(body) + gzip.compress(_MEGABYTE) * 100),
    "bad_gzip": Kind(body=lambda body: body),
    # The right response, badly sent.
    "reset": Kind(sent=_reset),
    "short_body": Kind(sent=_short_body),
    "silent": Kind(sent=lambda delivery, _: delivery.gone()),
    "drip": Kind(sent=_drip),
}
"""What each kind of fault does."""


def spoil(api: Endpoint, response: Response, fault: Fault | None) -> Response:
    """Return a response as a fault changes it. One that changes pages has done so before."""
    if fault is None:
        return response
    kind = FAULTS[fault.kind]
    if kind.instead is not None:
        return kind.instead(api, fault.value)
    if kind.body is not None:
        response.body = kind.body(response.body)
        if "gzip" in fault.kind:
            response.headers["content-encoding"] = "gzip"
    if kind.sent is not None:
        send, value = kind.sent, fault.value
        response.sent = lambda delivery: send(delivery, value)
    return response
