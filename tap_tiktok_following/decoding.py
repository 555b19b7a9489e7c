"""Decode the body of a response: as it is first, then repaired if that fails."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from singer_sdk import typing as th

from tap_tiktok_following.model import Accounts

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

MAX_KEY = 255  # characters of a key, so that every database can make it a primary key

_KEY = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]

_TYPES: Mapping[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
}

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""`UnicodeDecodeError` is a `ValueError`."""

_ESCAPE = re.compile(r"\\(?:(u0000)|.)")
"""An escape sequence of JSON; in its group, that of a NUL."""

T = TypeVar("T")


class Unreadable(Exception):  # noqa: N818 - the provider's error, not ours
    """A body is not the JSON that it should be."""

    message = "the response could not be read"


class Reader(Generic[T]):
    """Decodes JSON bodies of one kind, in many threads at once.

    Create it when a module is loaded: msgspec 0.22 crashes if two threads decode into a type
    for the first time at the same moment.
    """

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind, strict=False)

    def read(self, body: bytes) -> T:
        """Decode a body, in which numbers may be given as strings, or integers as `1.0`.

        If that fails, text is repaired: a lone surrogate, a NUL or a byte that is not UTF-8
        becomes U+FFFD, and a byte order mark is removed.

        Raises:
            Unreadable: If that fails too.
        """
        with suppress(*_UNREADABLE):
            if rb"\u0000" not in body:
                return self._decoder.decode(body)
        try:
            return self._decoder.decode(_repair(body))
        except _UNREADABLE as error:
            raise Unreadable from error


_LIST = Reader(list[Any])


class AccountsReader:
    """Decodes the list of accounts of a page; null is an empty list.

    The first field is the key; the others are strings, booleans and 64-bit integers.
    """

    def __init__(self, properties: th.PropertiesList) -> None:
        (self._key, _), *others = properties.wrapped.items()
        types = {name: _TYPES[each.type_dict["type"][0]] | None for name, each in others}
        self._types = {self._key: _KEY, **types}
        optional = [(name, kind, None) for name, kind in types.items()]
        account = msgspec.defstruct("Account", [(self._key, _KEY), *optional])
        self._strict = msgspec.json.Decoder(list[account] | None)  # type: ignore[valid-type]

    def read(self, raw: msgspec.Raw) -> Accounts:
        """Decode a list; a malformed account does not affect the others.

        Raises:
            Unreadable: If it is not a list.
        """
        with suppress(*_UNREADABLE):
            return Accounts(msgspec.to_builtins(self._strict.decode(raw) or []))
        return self._conform(_LIST.read(bytes(raw)))

    def _conform(self, items: list[Any]) -> Accounts:
        """Make wrong fields null, and leave out accounts without their key."""
        rows: list[dict[str, Any]] = []
        keyless = nulled = 0
        for item in items:
            given = item if isinstance(item, dict) else {}
            row = {name: self._value(given, name) for name in self._types}
            if row[self._key] is None:
                keyless += 1
                continue
            nulled += sum(row[name] is None and given.get(name) is not None for name in row)
            rows.append(row)
        return Accounts(rows, keyless, nulled)

    def _value(self, given: dict[str, Any], name: str) -> object:
        value = given.get(name)
        if name == self._key and type(value) is int:
            value = str(value)  # an id given as a number
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return convert(value, self._types[name])


def convert(value: object, kind: type[T]) -> T | None:
    """Return a decoded value; None if it is not of this type."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _repair(body: bytes) -> str:
    """Return a JSON text in which strings contain no lone surrogate and no NUL."""
    value = json.loads(body.decode("utf-8-sig", errors="replace"))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _ESCAPE.sub(lambda e: "\N{REPLACEMENT CHARACTER}" if e[1] else e[0], text)
