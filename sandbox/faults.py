"""The faults by kind, in four tables: what each of them does to a response."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sandbox.clock import DAY
from sandbox.delivery import DELIVERIES
from sandbox.endpoint import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.endpoint import Endpoint
    from sandbox.lists import ListPage
    from sandbox.scenario import Fault

Value: TypeAlias = Any
"""A fault's value: the JSON that its kind asks for."""

_HTML = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
_MEGABYTE = 1024 * 1024


def _html(status: int) -> Response:
    return Response(status, _HTML, {"content-type": "text/html; charset=utf-8"})


def _pair(value: Value, second: object) -> tuple[Any, Any]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value, second)


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


INSTEAD: dict[str, Callable[[Endpoint, Value], Response]] = {
    "status": _status,
    "error": _error,
    "html_200": lambda _, __: _html(200),
    "redirect": lambda _, url: Response(307, b"", {"location": url or "http://localhost:9/"}),
    "retry_after": _retry_after,
    "token_revoked": lambda api, _: api.revoke_tokens(),
    "empty_body": lambda _, __: Response(200, b""),
    "no_content": lambda _, __: Response(204, b"", {}),
}
"""Another response instead of the right one."""


def _set(**values: Callable[[ListPage, Value], object]) -> Callable[[ListPage, Value], None]:
    def change(page: ListPage, value: Value) -> None:
        for name, value_of in values.items():
            setattr(page, name, value_of(page, value))

    return change


def _cursor(change: Callable[[int], object]) -> Callable[[ListPage, Value], None]:
    return _set(cursor=lambda page, _: change(page.cursor))


def _each_account(
    change: Callable[[dict[str, Any], Value], dict[str, Any]],
) -> Callable[[ListPage, Value], None]:
    def accounts(page: ListPage, value: Value) -> object:
        # msgspec writes no half of a surrogate pair.
        changed = (json.dumps(change(account, value)) for account in _decoded(page))
        return [msgspec.Raw(account.encode()) for account in changed]

    return _set(accounts=accounts)


def _decoded(page: ListPage) -> list[dict[str, Any]]:
    return [msgspec.json.decode(account) for account in page.accounts or ()]


def _stale_total(page: ListPage, seconds: Value) -> int:
    api = page.api
    then = api.now() - (seconds or DAY)
    follows = api.sandbox.world.history(page.username)
    return sum(f.at <= then and (f.until is None or then < f.until) for f in follows)


def _end(page: ListPage, _: Value) -> None:
    page.has_more, page.is_last = False, True


def _empty_end(page: ListPage, _: Value) -> None:
    page.accounts, page.has_more, page.is_last = [], False, True


def _without_first_key(page: ListPage, _: Value) -> object:
    accounts = _decoded(page)
    for account in accounts[:1]:
        del account[page.api.key]
    return accounts


def _wrong_type(account: dict[str, Any], value: Value) -> dict[str, Any]:
    name, wrong = _pair(value, {"not": 1})
    return {**account, name or "display_name": wrong}


def _without_field(account: dict[str, Any], name: Value) -> dict[str, Any]:
    return {key: value for key, value in account.items() if key != (name or "display_name")}


def _with_name_ending(text: str) -> Callable[[ListPage, Value], None]:
    return _each_account(
        lambda account, _: {**account, "display_name": account["display_name"] + text}
    )


def _error_beside(page: ListPage, value: Value) -> object:
    code, message = value or ("internal_error", "Something is wrong.")
    error = page.api.error(200, code, message)
    return {"error": json.loads(error.body)["error"]}


PAGES: dict[str, Callable[[ListPage, Value], None]] = {
    # Wrong lists with HTTP 200.
    "empty_page": _set(accounts=lambda _, __: []),
    "empty_list": _empty_end,
    "early_end": _end,
    "list_null": _set(accounts=lambda _, __: None),
    "stale_total": _set(total=_stale_total),
    "total": _set(total=lambda _, total: total),
    # Wrong paging.
    "has_more_missing": _set(has_more=lambda _, __: msgspec.UNSET),
    "cursor_missing": _set(cursor=lambda _, __: msgspec.UNSET),
    "cursor_null": _cursor(lambda _: None),
    "cursor_zero": _cursor(lambda _: 0),
    "cursor_forward": _set(cursor=lambda page, by: page.requested[-1] + (by or 3600)),
    "cursor_still": _set(cursor=lambda page, _: page.requested[-1]),
    "cursor_cycle": _set(cursor=lambda page, _: page.requested[-2:][0]),
    "cursor_string": _cursor(str),
    "cursor_float": _cursor(float),
    "cursor_ms": _cursor(lambda cursor: cursor * 1000),
    # Wrong content.
    "data_null": _set(accounts=lambda _, __: None, members=lambda _, __: {"data": None}),
    "error_in_200": _set(members=_error_beside),
    "key_missing": _set(accounts=_without_first_key),
    "wrong_type": _each_account(_wrong_type),
    "extra_field": _each_account(lambda a, _: {**a, "new_field": {"nested": [1, None]}}),
    "missing_field": _each_account(_without_field),
    "surrogate": _with_name_ending("\ud83d"),
    "nul": _with_name_ending("\x00"),
}
"""Another page. These faults affect pages only, no errors."""


def _with_member(body: bytes, value: bytes) -> bytes:
    return body[:-1] + b',"extra":' + value + b"}"


def _deep(body: bytes, value: Value) -> bytes:
    depth = value or 100_000
    return _with_member(body, b"[" * depth + b"]" * depth)


def _gzip_bomb(body: bytes, value: Value) -> bytes:
    megabytes = (value or 100 * _MEGABYTE) // _MEGABYTE
    return gzip.compress(body) + _compressed_megabyte() * megabytes


@lru_cache
def _compressed_megabyte() -> bytes:
    return gzip.compress(b" " * _MEGABYTE)


BODIES: dict[str, Callable[[bytes, Value], bytes]] = {
    "truncated": lambda body, _: body[: len(body) // 2],
    "nan": lambda body, _: _with_member(body, b"NaN"),
    "big_int": lambda body, digits: _with_member(body, b"9" * (digits or 5000)),
    "deep": _deep,
    "bom": lambda body, _: b"\xef\xbb\xbf" + body,
    "duplicate_keys": lambda body, _: b"{" + body[1:-1] + b"," + body[1:-1] + b"}",
    "array": lambda body, _: b"[" + body + b"]",
    "huge": lambda body, size: body.ljust(size or 20 * _MEGABYTE),
    "gzip_bomb": _gzip_bomb,
    "bad_gzip": lambda body, _: body,
}
"""The right response in other bytes."""

KINDS = (*INSTEAD, *PAGES, *BODIES, *DELIVERIES)
"""All kinds of faults."""


def spoil(api: Endpoint, response: Response, fault: Fault) -> Response:
    """Return a response as a fault changes it. A fault of `PAGES` has changed it before."""
    if fault.kind in INSTEAD:
        return INSTEAD[fault.kind](api, fault.value)
    if fault.kind in BODIES:
        response.body = BODIES[fault.kind](response.body, fault.value)
        if "gzip" in fault.kind:
            response.headers["content-encoding"] = "gzip"
    if fault.kind in DELIVERIES:
        response.delivery = fault
    return response
