"""Decode the body of a response: strictly and fast first, then repaired if that fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Generic, NoReturn, TypeVar

import msgspec
from singer_sdk import typing as th

from tap_tiktok_following.model import Accounts

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

MAX_KEY = 255
"""Maximum length of a key, so that every database can make it part of a primary key."""

_KEY = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]

_TYPES: Mapping[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
}

_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""`UnicodeDecodeError` is a `ValueError`."""

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
        self._strict = msgspec.json.Decoder(kind)
        self._lax = msgspec.json.Decoder(kind, strict=False)

    def read(self, body: bytes) -> T:
        """Decode a body.

        If strict decoding fails, text is repaired (a lone surrogate, a NUL or a byte that is
        not UTF-8 becomes U+FFFD, a byte order mark is removed), and whole numbers may be
        given as `1.0` or as strings.

        Raises:
            Unreadable: If that fails too.
        """
        with suppress(*_UNREADABLE):
            if rb"\u0000" not in body:
                return self._strict.decode(body)
        try:
            return self._lax.decode(msgspec.json.encode(_repair(body)))
        except _UNREADABLE as error:
            raise Unreadable from error


_LIST = Reader(list[Any])


class AccountsReader:
    """Decodes the list of accounts of a page; null is an empty list.

    Their fields are strings, booleans and 64-bit integers; the required ones are the key.
    """

    def __init__(self, properties: th.PropertiesList) -> None:
        kind = msgspec.defstruct(
            "Account", [_field(each) for each in properties.wrapped.values()]
        )
        self._fields = msgspec.structs.fields(kind)
        self._strict = msgspec.json.Decoder(list[kind] | None)  # type: ignore[valid-type]

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
            row = {field.name: _value(given.get(field.name), field) for field in self._fields}
            if any(row[field.name] is None for field in self._fields if field.required):
                keyless += 1
                continue
            nulled += sum(row[name] is None and given.get(name) is not None for name in row)
            rows.append(row)
        return Accounts(rows, keyless, nulled)


def _field(declared: th.Property[Any]) -> tuple[str, Any] | tuple[str, Any, None]:
    if not declared.optional:
        return declared.name, _KEY
    return declared.name, _TYPES[declared.type_dict["type"][0]] | None, None


def _value(value: object, field: msgspec.structs.FieldInfo) -> object:
    if field.required and type(value) is int:
        value = str(value)  # an id given as a number
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return convert(value, field.type)


def convert(value: object, kind: type[T]) -> T | None:
    """Return a decoded value; None if it is not of this type."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _repair(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    text = body.decode("utf-8-sig", errors="replace")
    return _clean(json.loads(text, parse_constant=_reject_constant))


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _reject_constant(constant: str) -> NoReturn:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)
