"""How a username may be given, and what a file of usernames may contain."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from sandbox import Sandbox, World
from tap_tiktok_following.config.usernames import MAX_FILE, collect, parse, shard_of
from tests.harness import follows_of, many, run, settings


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
    ("text", "name"),
    [
        *((text, text) for text in ("b", "_b.o_b1", "a" * 24, "12345")),
        *((text, "bob") for text in ("@Bob", "  bob\t", "\u2068@bob\u2069", "b\u00ado\x00b")),
        ("https://www.tiktok.com/@bob/video/123?lang=en#c", "bob"),
        ("\u200eHTTP://M.TIKTOK.COM/@BOB/", "bob"),
        ("tiktok.com/%40bob", "bob"),
        *((text, None) for text in ("", "@", "a b", "a" * 25, "bob.", "@@bob", "a-b", "a\nb")),
        *((text, None) for text in ("b\u00f6b", "\u0430bob", "bob\u212a", "bob\ufe0f")),
        *((text, None) for text in ("//", "../etc", "https://tiktok.com/", "tiktok.com/bob")),
        ("https://tiktok.com.example.com/@bob", None),
        ("https://nottiktok.com/@bob", None),
        ("https://[tiktok.com/@bob", None),
    ],
)
def test_ways_to_give_a_username(text: str, name: str | None) -> None:
    assert parse(text) == name


def test_duplicates_fold_and_the_order_stays(path: Path) -> None:
    path.write_text("ann\ndan\n", encoding="utf-8")
    listed = ["Bob", "ann", "@bob", "https://www.tiktok.com/@ANN", "cat"]
    found = collect({"usernames": listed, "usernames_path": str(path)})
    assert found.names == ["bob", "ann", "cat", "dan"]


# Files.


@pytest.mark.parametrize(
    "content",
    [
        b"bob\r\nann",
        b"# who\n\n  \nbob\n  # more\nann # the second\n",
        b"\xef\xbb\xbfbob\n\xef\xbb\xbfann\n",  # byte order marks
        "bob\nann\n".encode("utf-16"),
        b"\xfe\xff" + "bob\r\nann\r\n".encode("utf-16-be"),
        b"username\nbob\nann\n",
        b"\xef\xbb\xbf# exported\n\nid , Username \n1, bob \n2\n3,ann,more\n",
        "id\tusername\r\n1\tbob\r\n2\tann\r\n".encode("utf-16"),
    ],
)
def test_lists_of_lines_and_tables(path: Path, content: bytes) -> None:
    assert read(path, content) == (["bob", "ann"], [])


@given(
    rows=st.lists(st.tuples(st.text(), st.sampled_from(["bob", "@Ann", ""]), st.text())),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@hypothesis(max_examples=50, deadline=None)
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
    path = tmp_path_factory.getbasetemp() / "list.csv"
    names, malformed = read(path, file.getvalue().encode("utf-8", "replace"))
    listed = {name.strip("@").lower() for _, name, _ in rows if name}
    assert (set(names), malformed) == ({"cat", *listed}, [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bytes(MAX_FILE + 1), "is larger than 64 MB"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is not a UTF-8 text file"),
        (b"name,id\nbob,1\n", "has no column `username` (its columns: name, id)"),
        (b'# x\n"name"\tn\n"bob"\t"a\nb"\n', "has no column `username` (its columns: "),
        (b"username,id,Username\nbob,1,ann\n", "has two columns `username`"),
        (b'username\n"' + b"x" * 200_000 + b'"\n', "is not a readable CSV"),
    ],
    ids=range(6),
)
def test_content_that_cannot_be_used(path: Path, content: bytes, says: str) -> None:
    path.write_bytes(content)
    assert problem(path).startswith(says)


def test_empty_list_is_a_problem_only_without_other_usernames(path: Path) -> None:
    path.write_text("# nobody\na b\n", encoding="utf-8")
    assert collect({"usernames_path": str(path)}).problem == "contains no username"
    assert collect({"usernames": ["ann"], "usernames_path": str(path)}).problem == ""


def test_csv_without_the_column_is_refused_even_if_it_has_only_one(tmp_path: Path) -> None:
    path = tmp_path / "LIST.CSV"
    path.write_bytes(b"bob\nann\n")
    assert problem(path) == "has no column `username` (its columns: bob)"


def test_path_that_cannot_be_read(path: Path) -> None:
    assert problem(path) == "does not exist"
    path.mkdir()
    assert problem(path) == "can't be read (Is a directory)"


# What the run makes of it.


def test_first_line_that_looks_like_a_header_is_warned_of(
    sandbox: Sandbox, path: Path
) -> None:
    sandbox.world = World.of({"ann": []})
    path.write_text("user_name\nann\n", encoding="utf-8")
    result = run(settings(sandbox, [], "rapidapi", usernames_path=str(path)))
    assert result.exit_code == 0
    warning = "first line of `usernames_path`, `user_name`, looks like a header"
    assert warning in result.text("WARNING")


def test_malformed_names_are_rows_of_their_own_shown_escaped(
    sandbox: Sandbox, path: Path
) -> None:
    """A name that only looks like a real one never gets its key."""
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    entries = ["a b", "\u200eann\u200e", "\u0430nn", "ann\ufe0f", "ann\u200bx y", "x" * 1000]
    path.write_text("\n".join(entries), encoding="utf-8")
    result = run(settings(sandbox, [], "rapidapi", usernames_path=str(path)))
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
    [("charlidamelio", 8, 1), ("khaby.lame", 9999, 6057), ("a b", 8, 1)],
)
def test_shard_never_changes(text: str, count: int, number: int) -> None:
    """To change one of these numbers is to pay for every list again."""
    assert shard_of(text, count) == number


def test_list_in_shards(sandbox: Sandbox, path: Path) -> None:
    """Every list is read by one, every malformed line is reported by one; one may be empty."""
    names, malformed = many(3), ["a 0", "a 1", "a 2"]
    sandbox.world = World.of({name: follows_of(name, 2) for name in names})
    path.write_text("\n".join([*names, *malformed]), encoding="utf-8")
    outcomes: list[tuple[str, str]] = []
    for number in range(1, 6):
        shard = {"shard": f"{number}/5", "usernames_path": str(path)}
        ended = run(settings(sandbox, [], "rapidapi", **shard))
        assert ended.exit_code == 0
        assert f"of shard {number}/5" in ended.text("INFO")
        rows = ended.scans("rapidapi")
        outcomes += [(name, row["outcome"]) for name, row in rows.items()]
    expected = {**dict.fromkeys(names, "complete"), **dict.fromkeys(malformed, "invalid")}
    assert sorted(outcomes) == sorted(expected.items())
