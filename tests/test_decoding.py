"""Bodies that are not as they should be: repaired, read without a field, or not read."""

from __future__ import annotations

import pytest

from tests.harness import Run
from tests.server import Reply, Server, read_from

PAGE = b'{"data": %b, "pagination": {"has_more": false, "total": 2}}'
FIRST = b'{"user_id": "1"}'


def read(body: bytes) -> Run:
    """Run over a list whose only page has this body."""
    with Server(lambda _: Reply(body=body)) as server:
        return read_from(server.url, "ann", max_tries=1)


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("bio", rb'"\ud83d\ude00 \u05d0"', "\U0001f600 \u05d0"),
        ("bio", rb'"a\ud83d"', "a\ufffd"),
        ("bio", rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        ("bio", rb'"a\u0000b"', "a\ufffdb"),
        ("bio", b'"a\xffb"', "a\ufffdb"),
        ("bio", rb'"a\\u0000b"', r"a\u0000b"),
        ("user_id", b"107955", "107955"),
        ("user_id", b'"%b"' % (b"x" * 255), "x" * 255),
        ("followers", b"7.0", 7),
        ("followers", b"9223372036854775807", 2**63 - 1),
        ("new", b'[1, {"x": null}]', None),
        ("new", b"9" * 5000, None),
    ],
)
def test_value_is_repaired_and_an_unknown_field_ignored(
    field: str, given: bytes, value: object
) -> None:
    item = b'{"user_id": "2", "verified": true, "%b": %b}' % (field.encode(), given)
    ended = read(PAGE % (b"[%b, %b]" % (item, FIRST)))
    second, first = ended.records("rapidapi_following")
    assert (second.get(field), second["verified"], first["user_id"]) == (value, True, "1")
    assert "of a wrong type" not in ended.stderr


@pytest.mark.parametrize(
    "given",
    [
        b'"bio": 7',
        b'"followers": "7"',
        b'"followers": 7.5',
        b'"followers": 9223372036854775808',
        b'"verified": 1',
    ],
)
def test_field_of_a_wrong_type_is_null_with_a_warning(given: bytes) -> None:
    name = given.split(b'"')[1].decode()
    item = b'{"user_id": "2", "username": "two", %b}' % given
    ended = read(PAGE % (b"[%b, %b]" % (item, FIRST)))
    second, first = ended.records("rapidapi_following")
    assert (second[name], second["username"], first["user_id"]) == (None, "two", "1")
    assert "set 1 field of a wrong type to null" in ended.text("WARNING")


@pytest.mark.parametrize("key", [b"null", b"true", b'""', b'"%b"' % (b"x" * 256)])
def test_account_without_its_key_is_left_out_with_a_warning(key: bytes) -> None:
    """The last one is too long for some databases."""
    item = b'null, {}, {"user_id": %b}' % key
    ended = read(PAGE % (b"[%b, %b]" % (item, FIRST)))
    assert [record["user_id"] for record in ended.records("rapidapi_following")] == ["1"]
    assert "skipped 3 accounts without a key" in ended.text("WARNING")


@pytest.mark.parametrize(
    "body",
    [
        PAGE % b"null",
        b"\xef\xbb\xbf" + PAGE % b"[]",
        b'{"data": [], "pagination": {"has_more": false}, "data": []}',
        b'{"data": [], "pagination": {"has_more": false, "next_max_time": "7"}}',
    ],
)
def test_body_that_can_be_read(body: bytes) -> None:
    assert read(body).scans("rapidapi")["ann"]["outcome"] == "complete"


UNREADABLE = {
    "cut off": (PAGE % b"[]")[:-1],
    "NaN": PAGE % b'[{"new": NaN}]',
    "too deep": PAGE % (b"[" * 100_000 + b"]" * 100_000),
    "an object for a list": PAGE % b"{}",
    "line break in a string": PAGE % b'[{"user_id": "1", "bio": "\n"}]',
    "array": b"[%b]" % (PAGE % b"[]"),
    "two": PAGE % b"[]" + PAGE % b"[]",
    "fraction of a second": (PAGE % b"[]").replace(b"false", b'true, "next_max_time": 7.5'),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_body_that_cannot_be_read(body: bytes) -> None:
    row = read(body).scans("rapidapi")["ann"]
    assert row["outcome"] == "failed"
    assert "the response could not be read after 1 try" in row["reason"]
