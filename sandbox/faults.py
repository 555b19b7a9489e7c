"""What each kind of fault makes of an answer: tables of small functions, by kind."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.api import Answer, ListApi
from sandbox.clock import DAY
from sandbox.delivery import DELIVERIES
from sandbox.research import ResearchApi
from sandbox.world import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.scenario import Fault, Value

Json = dict[str, Any]

_HTML = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
_MEGABYTE = 1024 * 1024


class Errors(Protocol):
    """Whoever has a form of its own for errors."""

    def error(self, status: int, code: str, message: str) -> Answer:
        """An error in that form."""

    def too_fast(self) -> Answer:
        """The answer to requests that come too fast."""


@dataclass(frozen=True)
class Spot:
    """Where in a list a page is.

    Attributes:
        api: Whose page it is.
        username: Whose list it is.
        asked: The different cursors asked for in this pass down the list, this page's last.
    """

    api: ListApi
    username: str
    asked: Sequence[int | None]

    @property
    def now(self) -> int:
        """The time of the list, in Unix seconds."""
        return int(self.api.now())

    @property
    def cursor(self) -> int:
        """The cursor that the page was asked for with; the first page's is now."""
        return self.asked[-1] or self.now

    @property
    def cursor_before(self) -> int:
        """The cursor of the page before this one; the first page's is its own."""
        return (self.asked[-2] if len(self.asked) > 1 else None) or self.now

    def paging(self, payload: Json) -> Json:
        """The part of a page that holds `has_more` and the next cursor."""
        return payload[self.api.shape.paging]  # type: ignore[no-any-return]

    def holder(self, payload: Json) -> Json:
        """The part of a page that holds the accounts."""
        name = self.api.shape.accounts[0]
        return payload[name] if name else payload

    def accounts(self, payload: Json) -> list[Json]:
        """The accounts of a page, none where the list is not there."""
        holder = self.holder(payload)
        return (holder.get(self.api.shape.accounts[1]) or []) if holder else []


# Another answer instead of the right one.


def _status(errors: Errors, value: Value) -> Answer:
    status, form = (value or 500, "json") if _is_plain(value) else value
    if form == "html":
        return _html(status)
    return errors.error(
        status, "internal_error", "Something is wrong. Please try again later."
    )


def _is_plain(value: Value) -> bool:
    return not isinstance(value, (list, tuple))


def _error(errors: Errors, value: Value) -> Answer:
    status, code, message = value or (500, "internal_error", "")
    return errors.error(status, code or "", message)


def _html(status: int) -> Answer:
    return Answer(status, _HTML, {"content-type": "text/html; charset=utf-8"})


def _redirect(_: Errors, value: Value) -> Answer:
    return Answer(307, b"", {"location": value or "http://localhost:9/elsewhere"})


def _retry_after(errors: Errors, value: Value) -> Answer:
    wait, status = (value, None) if _is_plain(value) else value
    answer = errors.too_fast() if status is None else _status(errors, status)
    answer.headers["retry-after"] = str(1 if wait is None else wait)
    return answer


def _token_revoked(errors: Errors, _: object) -> Answer:
    if not isinstance(errors, ResearchApi):
        return _error(errors, None)
    errors.tokens.revoke_all()
    return errors.token_invalid()


def _hidden_list(errors: Errors, _: object) -> Answer:
    if not isinstance(errors, ListApi):
        return _error(errors, None)
    return errors.no_list("", Standing.HIDDEN)


INSTEAD: dict[str, Callable[[Errors, Value], Answer]] = {
    "status": _status,
    "error": _error,
    "html_200": lambda _, __: _html(200),
    "redirect": _redirect,
    "retry_after": _retry_after,
    "token_revoked": _token_revoked,
    "hidden_list": _hidden_list,
    "empty_body": lambda _, __: Answer(200, b""),
    "no_content": lambda _, __: Answer(204, b"", {}),
}
"""Take whose form an error has, and the fault's value."""


# A page with another content.


def _has_more_missing(page: Json, spot: Spot, _: object) -> None:
    del spot.paging(page)["has_more"]


def _cursor_missing(page: Json, spot: Spot, _: object) -> None:
    del spot.paging(page)[spot.api.shape.cursor]


def _cursor_forward(page: Json, spot: Spot, value: Value) -> None:
    spot.paging(page)[spot.api.shape.cursor] = spot.cursor + (value or 3600)


def _cursor_still(page: Json, spot: Spot, _: object) -> None:
    spot.paging(page)[spot.api.shape.cursor] = spot.cursor


def _cursor_cycle(page: Json, spot: Spot, _: object) -> None:
    spot.paging(page)[spot.api.shape.cursor] = spot.cursor_before


def _cursor_as(change: Callable[[int], object]) -> Callable[[Json, Spot, Value], None]:
    def fault(page: Json, spot: Spot, _: object) -> None:
        paging, name = spot.paging(page), spot.api.shape.cursor
        paging[name] = None if paging[name] is None else change(paging[name])

    return fault


def _total(page: Json, spot: Spot, value: Value) -> None:
    if "total" in spot.paging(page):
        spot.paging(page)["total"] = value


def _stale_total(page: Json, spot: Spot, value: Value) -> None:
    then = spot.now - (value or DAY)
    follows = spot.api.stage.world.history(spot.username)
    listed = [f for f in follows if f.at <= then and (f.until is None or then < f.until)]
    _total(page, spot, len(listed))


def _early_end(page: Json, spot: Spot, _: object) -> None:
    paging = spot.paging(page)
    paging["has_more"] = False
    if not spot.api.shape.cursor_at_end:
        paging[spot.api.shape.cursor] = None


def _empty_list(page: Json, spot: Spot, _: object) -> None:
    _list_as([])(page, spot, None)
    _early_end(page, spot, None)


def _data_null(page: Json, _: Spot, __: object) -> None:
    page["data"] = None


def _list_as(accounts: object) -> Callable[[Json, Spot, Value], None]:
    def fault(page: Json, spot: Spot, _: object) -> None:
        spot.holder(page)[spot.api.shape.accounts[1]] = accounts

    return fault


def _error_in_200(page: Json, spot: Spot, value: Value) -> None:
    code, message = value or ("internal_error", "Something is wrong.")
    page["error"] = json.loads(spot.api.error(200, code, message).body)["error"]


def _key_missing(page: Json, spot: Spot, _: object) -> None:
    for account in spot.accounts(page)[:1]:
        del account[spot.api.shape.key]


def _wrong_type(page: Json, spot: Spot, value: Value) -> None:
    name, wrong = (value or "display_name", {"not": 1}) if _is_plain(value) else value
    for account in spot.accounts(page):
        account[name] = wrong


def _extra_field(page: Json, spot: Spot, _: object) -> None:
    for account in spot.accounts(page):
        account["new_field"] = {"nested": [1, None]}


def _missing_field(page: Json, spot: Spot, value: Value) -> None:
    for account in spot.accounts(page):
        account.pop(value or "display_name", None)


def _display_name_with(text: str) -> Callable[[Json, Spot, Value], None]:
    def fault(page: Json, spot: Spot, _: object) -> None:
        for account in spot.accounts(page):
            account["display_name"] += text

    return fault


CONTENT: dict[str, Callable[[Json, Spot, Value], None]] = {
    "has_more_missing": _has_more_missing,
    "cursor_missing": _cursor_missing,
    "cursor_null": _cursor_as(lambda _: None),
    "cursor_zero": _cursor_as(lambda _: 0),
    "cursor_forward": _cursor_forward,
    "cursor_still": _cursor_still,
    "cursor_cycle": _cursor_cycle,
    "cursor_string": _cursor_as(str),
    "cursor_float": _cursor_as(float),
    "cursor_ms": _cursor_as(lambda cursor: cursor * 1000),
    "total": _total,
    "data_null": _data_null,
    "list_null": _list_as(None),
    "empty_page": _list_as([]),
    "empty_list": _empty_list,
    "early_end": _early_end,
    "stale_total": _stale_total,
    "error_in_200": _error_in_200,
    "key_missing": _key_missing,
    "wrong_type": _wrong_type,
    "extra_field": _extra_field,
    "missing_field": _missing_field,
    "surrogate": _display_name_with("\ud83d"),
    "nul": _display_name_with("\x00"),
}
"""Change a page, decoded, in place. Take where it is, and the fault's value."""


# The right answer in unreadable bytes.


def _with_member(body: bytes, value: bytes) -> bytes:
    return body[:-1] + b',"extra":' + value + b"}"


def _deep(body: bytes, value: Value) -> bytes:
    depth = value or 100_000
    return _with_member(body, b"[" * depth + b"]" * depth)


def _twice(body: bytes, _: object) -> bytes:
    return b"{" + body[1:-1] + b"," + body[1:-1] + b"}"


def _huge(body: bytes, value: Value) -> bytes:
    return body.ljust(value or 20 * _MEGABYTE)


def _gzip_bomb(body: bytes, value: Value) -> bytes:
    megabytes = (value or 100 * _MEGABYTE) // _MEGABYTE
    return gzip.compress(body) + _packed_megabyte() * megabytes


@lru_cache
def _packed_megabyte() -> bytes:
    return gzip.compress(b" " * _MEGABYTE)


BYTES: dict[str, Callable[[bytes, Value], bytes]] = {
    "truncated": lambda body, _: body[: len(body) // 2],
    "nan": lambda body, _: _with_member(body, b"NaN"),
    "big_int": lambda body, value: _with_member(body, b"9" * (value or 5000)),
    "deep": _deep,
    "bom": lambda body, _: b"\xef\xbb\xbf" + body,
    "duplicate_keys": _twice,
    "array": lambda body, _: b"[" + body + b"]",
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
    "bad_gzip": lambda body, _: body,
}
"""Change a body. Take the fault's value."""

_SAID_TO_BE_GZIP = {"gzip_bomb", "bad_gzip"}


def spoil(answer: Answer, fault: Fault, errors: Errors, spot: Spot | None = None) -> Answer:
    """What a fault makes of an answer.

    Args:
        answer: The right one.
        fault: What goes wrong; its count of spoiled answers goes up.
        errors: Whose form errors have.
        spot: Where the page is; None for an answer that is no page of a list.
    """
    fault.spoiled += 1
    if fault.kind in INSTEAD:
        return INSTEAD[fault.kind](errors, fault.value)
    if fault.kind in CONTENT and spot is not None:
        page = json.loads(answer.body)
        CONTENT[fault.kind](page, spot, fault.value)
        answer.body = json.dumps(page).encode()
        answer.accounts = len(spot.accounts(page))
    if fault.kind in BYTES:
        answer.body = BYTES[fault.kind](answer.body, fault.value)
    if fault.kind in _SAID_TO_BE_GZIP:
        answer.headers["content-encoding"] = "gzip"
    if fault.kind in DELIVERIES:
        answer.delivery = fault
    return answer
