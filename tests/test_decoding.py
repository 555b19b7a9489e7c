"""Decoding a body: what is repaired, what becomes null, and what cannot be read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from singer_sdk import typing as th

from tap_tiktok_following.decoding import AccountsReader, Reader, Unreadable
from tap_tiktok_following.model import Accounts


class Thing(msgspec.Struct):
    name: str | None = None
    count: int | None = None
    more: bool | None = None


ACCOUNTS = AccountsReader(
    th.PropertiesList(
        th.Property("user_id", th.StringType, required=True),
        th.Property("name", th.StringType),
        th.Property("likes", th.IntegerType),
        th.Property("verified", th.BooleanType),
    )
)


def accounts(items: object) -> Accounts:
    return ACCOUNTS.read(msgspec.Raw(json.dumps(items).encode()))


def row(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "name": None, "likes": None, "verified": None, **more}


READABLE = {
    "plain": (b'{"name": "a", "count": 7}', Thing("a", 7)),
    "unknown field": (b'{"name": "a", "new": [1, {"x": null}]}', Thing("a")),
    "byte order mark": (b'\xef\xbb\xbf{"name": "a"}', Thing("a")),
    "pair of surrogates": (rb'{"name": "\ud83d\ude00"}', Thing("\U0001f600")),
    "emoji and Hebrew": ('{"name": "\U0001f600 \u05d0"}'.encode(), Thing("\U0001f600 \u05d0")),
    "lone surrogate": (rb'{"name": "a\ud83d"}', Thing("a\ufffd")),
    "surrogates in the wrong order": (rb'{"name": "\ude00\ud83d"}', Thing("\ufffd\ufffd")),
    "NUL": (rb'{"name": "a\u0000b"}', Thing("a\ufffdb")),
    "no UTF-8": (b'{"name": "a\xffb"}', Thing("a\ufffdb")),
    "text of an escape": (rb'{"name": "a\\u0000b"}', Thing(r"a\u0000b")),
    "1.0 for an integer": (b'{"count": 7.0}', Thing(count=7)),
    "string for an integer": (b'{"count": "7"}', Thing(count=7)),
    "same key twice": (b'{"count": 1, "count": 2}', Thing(count=2)),
    "exponent": (b'{"count": 1e3}', Thing(count=1000)),
    "huge unknown number": (b'{"name": "a", "new": ' + b"9" * 5000 + b"}", Thing("a")),
}


@pytest.mark.parametrize(("body", "thing"), READABLE.values(), ids=READABLE)
def test_body_is_decoded_or_repaired(body: bytes, thing: Thing) -> None:
    assert Reader(Thing).read(body) == thing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'{"name": "a"',
        b'{"name": NaN}',
        b'{"new": NaN}',
        b'{"new": Infinity}',
        b'{"new": -Infinity}',
        b'{"count": ' + b"9" * 5000 + b"}",
        b'{"new": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[]",
        b'[{"name": "a"}]',
        b"null",
        b"7",
        b'{"count": 7.5}',
        b'{"count": []}',
        b'{"name": "a"}{"name": "b"}',
        "{}".encode("utf-16"),
        b"\x1f\x8b\x08\x00",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_unreadable_body(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Reader(Thing).read(body)


def test_repaired_text_can_be_encoded_again() -> None:
    thing = Reader(Thing).read(rb'{"name": "\ud83d \u0000 \ud83d\ude00"}')
    assert msgspec.json.decode(msgspec.json.encode(thing), type=Thing) == thing


def test_accounts_keep_their_order() -> None:
    given = [row("2", name="b", likes=2**63 - 1, verified=True), row("1")]
    assert accounts(given) == Accounts(given)


def test_null_is_an_empty_list() -> None:
    assert accounts(None) == accounts([]) == Accounts([])


def test_missing_fields_are_null_and_unknown_ones_are_ignored() -> None:
    assert accounts([{"user_id": "1", "new": {"x": 1}}]) == Accounts([row("1")])


@pytest.mark.parametrize(
    "item",
    [{}, {"user_id": None}, {"user_id": ""}, {"user_id": []}, {"user_id": "x" * 256}, None, 7],
)
def test_account_without_its_key_is_left_out_and_counted(item: object) -> None:
    assert accounts([{"user_id": "1"}, item]) == Accounts([row("1")], keyless=1)


def test_id_given_as_a_number_becomes_a_string() -> None:
    assert accounts([{"user_id": 107955}]) == Accounts([row("107955")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 7},
        {"name": ["x"]},
        {"likes": "7"},
        {"likes": 7.5},
        {"likes": True},
        {"likes": 2**63},
        {"verified": "true"},
        {"verified": 1},
    ],
    ids=str,
)
def test_optional_field_of_a_wrong_type_is_null_and_counted(
    wrong: dict[str, Any],
) -> None:
    assert accounts([{"user_id": "1"} | wrong]) == Accounts([row("1")], nulled=1)


def test_wrong_field_does_not_affect_the_others() -> None:
    given = [{"user_id": "1", "name": "a", "likes": "many"}, row("2", likes=5)]
    assert accounts(given) == Accounts([row("1", name="a"), row("2", likes=5)], nulled=1)


class Envelope(msgspec.Struct):
    data: msgspec.Raw


def page(value: bytes) -> Accounts:
    """A whole body as the providers read it, with this value in an optional field."""
    body = b'{"data": [{"user_id": "1", "name": %s}, {"user_id": "2"}]}' % value
    return ACCOUNTS.read(Reader(Envelope).read(body).data)


@pytest.mark.parametrize("name", [rb'"\ud83d"', rb'"\u0000"', b'"\xff"', b'"\xc3"'])
def test_text_that_targets_reject_is_repaired(name: bytes) -> None:
    assert page(name) == Accounts([row("1", name="\ufffd"), row("2")])


@pytest.mark.parametrize(
    "value",
    [b"NaN", b"[" * 5000 + b"]" * 5000, b'"\n"'],
    ids=lambda v: repr(v[:9]),
)
def test_page_with_an_impossible_value_is_unreadable(value: bytes) -> None:
    with pytest.raises(Unreadable):
        page(value)


def test_integer_may_come_with_a_fraction_of_zero() -> None:
    assert accounts([{"user_id": "1", "likes": 7.0}]) == Accounts([row("1", likes=7)])


@pytest.mark.parametrize("items", [{}, "x", 7, True])
def test_list_that_is_not_one_is_unreadable(items: object) -> None:
    with pytest.raises(Unreadable):
        accounts(items)
