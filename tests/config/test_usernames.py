"""How a username may be given, and what a file of usernames may contain."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_tiktok_following.config.problem import MAX_FILE
from tap_tiktok_following.config.table import texts
from tap_tiktok_following.config.usernames import collect, parse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "username"),
    [
        ("bob", "bob"),
        ("Bob", "bob"),
        ("@Bob", "bob"),
        ("  bob\t", "bob"),
        ("b", "b"),
        ("_b.o_b1", "_b.o_b1"),
        ("a" * 24, "a" * 24),
        ("12345", "12345"),
        ("https://www.tiktok.com/@Bob", "bob"),
        ("https://www.tiktok.com/@bob?lang=en&x=1", "bob"),
        ("https://www.tiktok.com/@bob/video/123#c", "bob"),
        ("https://www.tiktok.com/@bob/", "bob"),
        ("http://m.tiktok.com/@bob", "bob"),
        ("https://tiktok.com/@bob", "bob"),
        ("HTTPS://WWW.TIKTOK.COM/@BOB", "bob"),
        ("www.tiktok.com/@bob", "bob"),
        ("https://www.tiktok.com/%40bob", "bob"),
    ],
)
def test_ways_to_give_a_username(text: str, username: str) -> None:
    assert parse(text) == username


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@",
        "a b",
        "a" * 25,
        "bob.",
        "b\u00f6b",
        "b\u00f6b".encode().decode("latin-1"),
        "\u0430bob",
        "\uff42ob",
        "\u0131",
        "bob\u212a",
        "bob\x00",
        "bob\nann",
        "@@bob",
        "a-b",
        "a,b",
        "a?b=c",
        "..",
        "%2e%2e",
        "../etc",
        "https://www.tiktok.com/",
        "https://www.tiktok.com/bob",
        "https://www.tiktok.com/tag/bob",
        "https://tiktok.com.example.com/@bob",
        "https://nottiktok.com/@bob",
        "https://example.com/@bob",
        "https://example.com/?u=tiktok.com/@bob",
        "https://[tiktok.com/@bob",
        "//",
    ],
)
def test_what_can_not_be_a_username(text: str) -> None:
    assert parse(text) is None


def test_duplicates_fold_and_the_order_stays() -> None:
    texts = ["Bob", "ann", "@bob", "https://www.tiktok.com/@ANN", "cat"]
    assert collect({"usernames": texts}).names == ["bob", "ann", "cat"]


@pytest.mark.parametrize("config", [{}, {"usernames": []}, {"usernames": None}])
def test_nobody(config: dict[str, Any]) -> None:
    assert collect(config).names == []


# Files.


def read(path: Path, content: bytes) -> tuple[list[str], list[str]]:
    """Names and malformed names in a file with this content."""
    path.write_bytes(content)
    found = collect({"usernames_path": str(path)})
    return found.names, found.malformed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usernames.txt"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"bob\nann\n", ["bob", "ann"]),
        (b"bob\nann", ["bob", "ann"]),
        (b"bob\r\nann\r\n", ["bob", "ann"]),
        (b"bob\rann\r", ["bob", "ann"]),
        (b"# who\n\n  \nbob\n  # more\nann\n", ["bob", "ann"]),
        (b"\xef\xbb\xbfbob\nann\n", ["bob", "ann"]),
        ("bob\nann\n".encode("utf-16"), ["bob", "ann"]),
        (b"\xfe\xff" + "bob\r\nann\r\n".encode("utf-16-be"), ["bob", "ann"]),
        (b"  @Bob \nhttps://www.tiktok.com/@ann?x=1\nBOB\n", ["bob", "ann"]),
        (b"username\nbob\nann\n", ["bob", "ann"]),
        (b"id,username,note\n1,bob,x\n2,@Ann,y\n", ["bob", "ann"]),
        (b'"id","Username"\r\n"1","bob"\r\n"2","ann"\r\n', ["bob", "ann"]),
        (b"\xef\xbb\xbfusername,id\nbob,1\nann,2\n", ["bob", "ann"]),
        (b"# exported\n\n# today\nusername,id\nbob,1\n", ["bob"]),
        (b'note,username\n"a, b",bob\n"c""d",ann\n', ["bob", "ann"]),
        (b'note,username\n"two\nlines",bob\nx,ann\n', ["bob", "ann"]),
        (b"bob # the builder\nann\n", ["bob", "ann"]),
        (b"#,username\n#1,bob\n#2,ann\n", ["bob", "ann"]),
        (b'note,username\n"a\n# b\n",bob\nx # y,ann\n', ["bob", "ann"]),
        (b"id;username;note\r\n1;bob;a, b\r\n2;ann;\r\n", ["bob", "ann"]),
        ("id\tusername\r\n1\tbob\r\n2\tann\r\n".encode("utf-16"), ["bob", "ann"]),
        (b"username;id\nbob;1\n\n;2\n  ;3\n4\nann;5\n", ["bob", "4", "ann"]),
        (b"id,username\n1,bob\n2\n3,\n4,ann\n", ["bob", "ann"]),
        (b"id , Username \n1, bob \n2,ann,more\n", ["bob", "ann"]),
    ],
    ids=[
        "lines",
        "no line break at the end",
        "CRLF",
        "CR",
        "comments and blanks",
        "byte order mark",
        "UTF-16",
        "UTF-16 with CRLF, big end first",
        "other ways to write them",
        "a CSV of one column",
        "a CSV of several",
        "a quoted CSV",
        "a CSV with a byte order mark",
        "a CSV with comments above it",
        "a CSV with quotes and commas",
        "a CSV with a line break in a cell",
        "a comment behind a name",
        "a CSV whose cells start with #",
        "a CSV with a comment's sign in cells",
        "a CSV with semicolons",
        "a CSV with tabs in UTF-16",
        "a CSV with blank cells and lines",
        "a CSV with rows that are too short",
        "a CSV with spaces and a row that is too long",
    ],
)
def test_files(path: Path, content: bytes, names: list[str]) -> None:
    assert read(path, content) == (names, [])


def test_malformed_names_in_a_file_are_told_apart(path: Path) -> None:
    content = b"bob\na b\nx-y\na b\nann\n"
    assert read(path, content) == (["bob", "ann"], ["a b", "x-y"])


def test_a_malformed_name_in_a_csv_is_told_apart(path: Path) -> None:
    assert read(path, b"id,username\n1,bob\n2,#ann\n3,a b\n") == (["bob"], ["#ann", "a b"])


@given(
    rows=st.lists(st.tuples(st.text(), st.sampled_from(["bob", "@Ann", ""]), st.text())),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_no_username_of_a_csv_gets_lost(
    rows: list[tuple[str, str, str]], delimiter: str, quoting: Any
) -> None:
    """Whatever the other cells contain."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
    kept = [tuple(cell.replace("\0", "") for cell in row) for row in rows]
    writer.writerows([("note", "username", "#"), *kept])
    assert list(texts(file.getvalue())) == [name for _, name, _ in rows if name]


def test_a_very_long_line_is_shown_shortened(path: Path) -> None:
    names, (malformed,) = read(path, b"bob\n" + b"x" * 10_000_000 + b"\nann\n")
    assert names == ["bob", "ann"]
    assert malformed == "x" * 79 + "\u2026"


def test_a_list_and_a_file_add_up(path: Path) -> None:
    path.write_text("ann\nbob\n", encoding="utf-8")
    found = collect({"usernames": ["cat", "ann"], "usernames_path": str(path)})
    assert found.names == ["cat", "ann", "bob"]


def test_an_empty_file_holds_nobody(path: Path) -> None:
    assert read(path, b"") == read(path, b"# only\n\n") == ([], [])


def problem(path: str) -> str:
    found = collect({"usernames": ["ann"], "usernames_path": path})
    assert (found.names, found.malformed) == ([], [])
    return found.problem


def test_a_file_that_is_not_there(path: Path) -> None:
    assert problem(str(path)) == "does not exist"


def test_a_folder(tmp_path: Path) -> None:
    assert problem(str(tmp_path)) == "is not a file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    assert problem(str(path)) == "is not a file"


def test_a_path_that_is_none(path: Path) -> None:
    assert problem(f"{path}\0").startswith(("does not exist", "can't be read"))


def test_a_path_through_a_file(path: Path) -> None:
    path.touch()
    assert problem(str(path / "more")) in {"does not exist", "can't be read (Not a directory)"}


def test_a_binary_file(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert problem(str(path)) == "is not a UTF-8 text file"


def test_half_a_letter_of_utf_16(path: Path) -> None:
    path.write_bytes("bob".encode("utf-16") + b"\x00")
    assert problem(str(path)) == "is not a UTF-8 text file"


def test_a_file_that_is_too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert problem(str(path)) == "is larger than 64 MB"


def test_a_csv_that_can_not_be_read(path: Path) -> None:
    path.write_bytes(b'username\n"' + b"x" * 200_000 + b'"\n')
    assert problem(str(path)).startswith("is not a readable CSV")


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"name,id\nbob,1\nann,2\n", "name, id"),
        (b"name;id\nbob;1\n", "name, id"),
        (b"\xef\xbb\xbfname\tid\r\nbob\t1\r\n", "name, id"),
        (b'# exported\n"name", note\n"bob","a\nb"\n', "name, note"),
        (b"bob,ann,cat\n", "bob, ann, cat"),
    ],
)
def test_a_csv_without_the_column(path: Path, content: bytes, columns: str) -> None:
    path.write_bytes(content)
    assert problem(str(path)) == f"has no column `username` (its columns: {columns})"


def test_a_line_with_a_comma_is_no_csv(path: Path) -> None:
    assert read(path, b"cat,dan\nbob\nann\n") == (["bob", "ann"], ["cat,dan"])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are not POSIX's here")
def test_a_file_without_permission(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path.touch(mode=0)
    assert problem(str(path)) == "can't be read (Permission denied)"
