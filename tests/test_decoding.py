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


ACCOUNTS = AccountsReader(
    th.PropertiesList(
        th.Property("user_id", th.StringType, required=True),
        th.Property("name", th.StringType),
        th.Property("likes", th.IntegerType),
        th.Property("verified", th.BooleanType),
    )
)


def row(user_id: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "name": None, "likes": None, "verified": None, **more}


READABLE = {
    "unknown field": (b'{"name": "a", "new": [1, {"x": null}]}', Thing("a")),
    "byte order mark": (b'\xef\xbb\xbf{"name": "a"}', Thing("a")),
    "pair of surrogates": (rb'{"name": "\ud83d\ude00"}', Thing("\U0001f600")),
    "lone surrogate": (rb'{"name": "a\ud83d"}', Thing("a\ufffd")),
    "surrogates in the wrong order": (rb'{"name": "\ude00\ud83d"}', Thing("\ufffd\ufffd")),
    "NUL": (rb'{"name": "a\u0000b"}', Thing("a\ufffdb")),
    "no UTF-8": (b'{"name": "a\xffb"}', Thing("a\ufffdb")),
    "text of an escape": (rb'{"name": "a\\u0000b"}', Thing(r"a\u0000b")),
    "1.0 for an integer": (b'{"count": 7.0}', Thing(count=7)),
    "string for an integer": (b'{"count": "7"}', Thing(count=7)),
    "huge unknown number": (b'{"name": "a", "new": ' + b"9" * 5000 + b"}", Thing("a")),
}


@pytest.mark.parametrize(("body", "thing"), READABLE.values(), ids=READABLE)
def test_body_is_decoded_or_repaired(body: bytes, thing: Thing) -> None:
    assert Reader(Thing).read(body) == thing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"name": "a"',
        b'{"new": NaN}',
        b'{"new": -Infinity}',
        b'{"count": ' + b"9" * 5000 + b"}",
        b'{"new": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'[{"name": "a"}]',
        b'{"count": 7.5}',
        b'{"name": "a"}{"name": "b"}',
        "{}".encode("utf-16"),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_unreadable_body(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Reader(Thing).read(body)


@pytest.mark.parametrize(
    ("items", "accounts"),
    [
        (b"null", Accounts([])),
        (b'[{"user_id": "2"}, {"user_id": "1", "new": {}}]', Accounts([row("2"), row("1")])),
        (b'[{"user_id": 107955, "likes": 7.0}]', Accounts([row("107955", likes=7)])),
        (
            b'[{"user_id": "1", "likes": 9223372036854775807}]',
            Accounts([row("1", likes=2**63 - 1)]),
        ),
        (rb'[{"user_id": "1", "name": "\ud83d"}]', Accounts([row("1", name="\ufffd")])),
    ],
)
def test_accounts_keep_their_order_and_are_repaired(items: bytes, accounts: Accounts) -> None:
    assert ACCOUNTS.read(msgspec.Raw(items)) == accounts


@pytest.mark.parametrize(
    "item",
    [{}, {"user_id": None}, {"user_id": ""}, {"user_id": []}, {"user_id": "x" * 256}, None, 7],
)
def test_account_without_its_key_is_left_out_and_counted(item: object) -> None:
    items = json.dumps([{"user_id": "x" * 255}, item]).encode()
    assert ACCOUNTS.read(msgspec.Raw(items)) == Accounts([row("x" * 255)], keyless=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 7},
        {"likes": "7"},
        {"likes": 7.5},
        {"likes": True},
        {"likes": 2**63},
        {"verified": "true"},
        {"verified": 1},
    ],
    ids=str,
)
def test_optional_field_of_a_wrong_type_is_null_and_counted(wrong: dict[str, Any]) -> None:
    """The other fields and accounts are as they were."""
    right = {"name": "a", "likes": 5, "verified": True}
    items = json.dumps([{"user_id": "1", **right, **wrong}, {"user_id": "2"}]).encode()
    rows = [row("1", **right | dict.fromkeys(wrong)), row("2")]
    assert ACCOUNTS.read(msgspec.Raw(items)) == Accounts(rows, nulled=1)


@pytest.mark.parametrize("items", [b"{}", b'"x"', b"7", b"[NaN]", b'["\n"]'])
def test_list_that_is_not_one_is_unreadable(items: bytes) -> None:
    with pytest.raises(Unreadable):
        ACCOUNTS.read(msgspec.Raw(items))
