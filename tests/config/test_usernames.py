"""How a username may be given, and what a file of usernames may contain."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import World
from tap_tiktok_following.config.usernames import MAX_FILE, collect, parse, shard_of
from tests.harness import PROVIDERS, follows_of, run, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usernames.txt"


def read(path: Path, content: bytes) -> tuple[list[str], list[str]]:
    """Names and malformed names in a file with this content."""
    path.write_bytes(content)
    found = collect({"usernames_path": str(path)})
    return found.names, found.malformed


def problem(path: Path) -> str:
    found = collect({"usernames": ["ann"], "usernames_path": str(path)})
    assert (found.names, found.malformed) == ([], [])
    return found.problem


@pytest.mark.parametrize(
    "text",
    [
        *("bob", "Bob", "@Bob", "  bob\t", "bob\r"),
        *("\u200ebob", "bob\u200e", "\u2068@bob\u2069", "\ufeffbob", "b\u00adob", "bob\x00"),
        "https://www.tiktok.com/@Bob",
        "https://www.tiktok.com/@bob?lang=en&x=1",
        "https://www.tiktok.com/@bob/video/123#c",
        "\u200ehttp://m.tiktok.com/@bob/",
        "HTTPS://TIKTOK.COM/@BOB",
        "www.tiktok.com/@bob",
        "https://www.tiktok.com/%40bob",
    ],
)
def test_ways_to_give_a_username(text: str) -> None:
    assert parse(text) == "bob"


@pytest.mark.parametrize("text", ["b", "_b.o_b1", "a" * 24, "12345"])
def test_usernames_as_tiktok_allows_them(text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "@",
            "a b",
            "a" * 25,
            "bob.",
            "@@bob",
            "a-b",
            "a,b",
            "a?b=c",
            "..",
            "../etc",
        ),
        *("b\u00f6b", "\u0430bob", "\uff42ob", "\u0131", "bob\u212a", "bob\ufe0f", "bob\nann"),
        *("//", "%2e%2e", "https://www.tiktok.com/", "https://www.tiktok.com/bob"),
        *("https://tiktok.com.example.com/@bob", "https://nottiktok.com/@bob"),
        *("https://example.com/?u=tiktok.com/@bob", "https://[tiktok.com/@bob"),
    ],
)
def test_what_is_not_a_username(text: str) -> None:
    assert parse(text) is None


def test_duplicates_fold_and_the_order_stays(path: Path) -> None:
    path.write_text("ann\ndan\n", encoding="utf-8")
    listed = ["Bob", "ann", "@bob", "https://www.tiktok.com/@ANN", "cat"]
    found = collect({"usernames": listed, "usernames_path": str(path)})
    assert found.names == ["bob", "ann", "cat", "dan"]


# Files.

FILES = {
    "no line break at the end": b"bob\nann",
    "CRLF": b"bob\r\nann\r\n",
    "CR": b"bob\rann\r",
    "comments and blanks": b"# who\n\n  \nbob\n  # more\nann # the second\n",
    "byte order mark": b"\xef\xbb\xbfbob\nann\n",
    "byte order mark inside": b"bob\n\xef\xbb\xbfann\n",
    "UTF-16": "bob\nann\n".encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + "bob\r\nann\r\n".encode("utf-16-be"),
    "other ways to write them": b"  @Bob \nhttps://www.tiktok.com/@ann?x=1\nBOB\n",
    "CSV of one column": b"username\nbob\nann\n",
    "CSV of several": b"id,username,note\n1,bob,x\n2,@Ann,y\n",
    "quoted CSV": b'"id","Username"\r\n"1","bob"\r\n"2","ann"\r\n',
    "CSV with a byte order mark": b"\xef\xbb\xbfusername,id\nbob,1\nann,2\n",
    "CSV with comments above it": b"# exported\n\n# today\nusername,id\nbob,1\nann,2\n",
    "CSV with quotes and line breaks": b'note,username\n"a, b",bob\n"c""d\ne",ann\n',
    "CSV whose cells start with #": b"#,username\n#1,bob\n#2,ann\n",
    "CSV with semicolons": b"id;username;note\r\n1;bob;a, b\r\n2;ann;\r\n",
    "CSV with tabs in UTF-16": "id\tusername\r\n1\tbob\r\n2\tann\r\n".encode("utf-16"),
    "CSV with blank cells and lines": b"username;id\nbob;1\n\n;2\n  ;3\nann;5\n",
    "CSV with short and long rows": b"id , Username \n1, bob \n2\n3,ann,more\n",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_files(path: Path, content: bytes) -> None:
    assert read(path, content) == (["bob", "ann"], [])


@given(
    rows=st.lists(st.tuples(st.text(), st.sampled_from(["bob", "@Ann", ""]), st.text())),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_no_username_of_a_csv_is_lost_whatever_the_other_cells_contain(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    quoting: Any,
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
    cells = [tuple(cell.replace("\0", "") for cell in row) for row in rows]
    writer.writerows([("note", "username", "#"), *cells, ("", "cat", "")])
    path = tmp_path_factory.mktemp("csv") / "list.csv"
    names, malformed = read(path, file.getvalue().encode("utf-8", "replace"))
    assert (set(names), malformed) == (
        {"cat", *(name.strip("@").lower() for _, name, _ in rows if name)},
        [],
    )


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)


def holding(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "does not exist"),
        (lambda path: path.mkdir(), "can't be read (Is a directory)"),
        (too_large, "is larger than 64 MB"),
        (holding(b"\x89PNG\r\n\x1a\n\x00\xff"), "is not a UTF-8 text file"),
        (holding("bob".encode("utf-16") + b"\x00"), "is not a UTF-8 text file"),
        (holding(b"name,id\nbob,1\n"), "has no column `username` (its columns: name, id)"),
        (
            holding(b'# x\n"name"\tn\n"bob"\t"a\nb"\n'),
            "has no column `username` (its columns: ",
        ),
        (holding(b"username,id,Username\nbob,1,ann\n"), "has two columns `username`"),
        (holding(b'username\n"' + b"x" * 200_000 + b'"\n'), "is not a readable CSV"),
    ],
    ids=range(9),
)
def test_file_that_cannot_be_used(
    path: Path, make: Callable[[Path], object], says: str
) -> None:
    make(path)
    assert problem(path).startswith(says)


@pytest.mark.parametrize("content", [b"handle\nbob\n", b"bob\nann\n", b"bob\n"])
def test_csv_without_the_column_is_refused_even_if_it_has_only_one(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "LIST.CSV"
    path.write_bytes(content)
    first = content.split()[0].decode()
    assert problem(path) == f"has no column `username` (its columns: {first})"


def test_empty_file_contains_no_username(path: Path) -> None:
    path.write_text("# nobody\n", encoding="utf-8")
    assert collect({"usernames_path": str(path)}).problem == "contains no username"


def test_pipe_is_read_but_not_waited_for_without_end(path: Path) -> None:
    """As in `usernames_path=<(command)`, here of a command that never writes."""
    os.mkfifo(path)
    found = collect({"usernames_path": str(path), "request_timeout": 0.2})
    assert found.problem == "can't be read (it did not arrive within 0.2 seconds)"


def test_file_without_permission(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path.touch(mode=0)
    assert problem(path) == "can't be read (Permission denied)"


# What the run makes of it.


def test_first_line_that_looks_like_a_header_is_warned_of(
    sandbox: Sandbox, path: Path
) -> None:
    sandbox.world = World.of({"ann": []})
    path.write_text("user_name\nann\n", encoding="utf-8")
    result = run({**settings(sandbox, [], "rapidapi"), "usernames_path": str(path)})
    assert result.exit_code == 0
    assert "first line of `usernames_path`, `user_name`, looks like a header" in result.text(
        "WARNING"
    )


def test_malformed_names_are_rows_of_their_own_shown_escaped(
    sandbox: Sandbox, path: Path
) -> None:
    """A name that only looks like a real one never gets its key."""
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    entries = ["a b", "\u200eann\u200e", "\u0430nn", "ann\ufe0f", "ann\u200bx y", "x" * 1000]
    path.write_text("\n".join(entries), encoding="utf-8")
    result = run({**settings(sandbox, [], "rapidapi"), "usernames_path": str(path)})
    assert result.exit_code == 0
    assert {name: row["outcome"] for name, row in result.scans("rapidapi").items()} == {
        "ann": "complete",
        "a b": "invalid",
        "\\u0430nn": "invalid",
        "ann\\ufe0f": "invalid",
        "annx y": "invalid",
        "x" * 79 + "\u2026": "invalid",
    }
    assert "a b, \\u0430nn" in result.text("WARNING")


# Shards.


@pytest.mark.parametrize(
    ("text", "count", "number"),
    [
        ("charlidamelio", 8, 1),
        ("khaby.lame", 8, 5),
        ("khaby.lame", 9999, 6057),
        ("a b", 8, 1),
        ("anyone", 1, 1),
    ],
)
def test_shard_never_changes(text: str, count: int, number: int) -> None:
    """To change one of these numbers is to pay for every list again."""
    assert shard_of(text, count) == number


@given(
    names=st.lists(st.integers(0, 50).map("user{}".format), unique=True),
    more=st.lists(st.integers(0, 50).map("user{}".format)),
    count=st.integers(1, 12),
)
def test_shards_are_the_whole_list_and_more_names_move_nobody(
    names: list[str], more: list[str], count: int
) -> None:
    shards = [f"{number}/{count}" for number in range(1, count + 1)]
    parts = [collect({"usernames": names, "shard": shard}).names for shard in shards]
    assert sorted(chain.from_iterable(parts)) == sorted(names)
    for part, shard in zip(parts, shards, strict=True):
        after = collect({"usernames": [*more, *names], "shard": shard}).names
        assert set(part) == set(after) & set(names)


@pytest.mark.parametrize(
    "text",
    ["0/8", "9/8", "3/0", "3", "3/", "/8", "3-8", "3/8/1", "-1/8", "03/8", "3/10000", " 3/8"],
)
def test_what_is_not_a_shard(text: str) -> None:
    result = run({"usernames": ["ann"], "rapidapi_key": "a-long-key", "shard": text})
    assert "`shard` must be a number and the number of shards" in result.last_line


def test_list_in_three_shards(sandbox: Sandbox, path: Path) -> None:
    """Every list is read by one, every malformed line is reported by one; one may be empty."""
    names = [f"user{number}" for number in range(5)]
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    malformed = [f"a {number}" for number in range(10)]
    path.write_text("\n".join([*names, *malformed]), encoding="utf-8")
    read: Counter[tuple[str, str, str]] = Counter()
    for number in range(1, 13):
        shard = f"{number}/12"
        ended = run(settings(sandbox, [], shard=shard, usernames_path=str(path)))
        assert ended.exit_code == 0
        for provider in PROVIDERS:
            scans = ended.scans(provider)
            read.update((provider, name, row["outcome"]) for name, row in scans.items())
            assert f"of shard {shard}" in ended.text("INFO")
    assert read == {
        **{(provider, name, "complete"): 1 for provider in PROVIDERS for name in names},
        **{(provider, text, "invalid"): 1 for provider in PROVIDERS for text in malformed},
    }
