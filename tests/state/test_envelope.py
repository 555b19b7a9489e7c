"""A state is found in whatever it came in; what holds none is never a first run."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, World
from tap_tiktok_following.state import envelope
from tests.harness import Run, command, follows_of, run, run_process, settings

STATE: dict[str, Any] = {"bookmarks": {"rapidapi_following": {"partitions": []}}}
MESSAGE = {"type": "STATE", "value": STATE}
RECORD = {"type": "RECORD", "stream": "x", "record": {"type": "STATE"}}


def lines(*documents: object) -> bytes:
    return "".join(f"{json.dumps(document)}\n" for document in documents).encode()


OF_MELTANO = lines({"singer_state": STATE})
FOUND = {
    "on several lines": json.dumps(STATE, indent=2).encode(),
    "of `meltano state get`": OF_MELTANO,
    "both": lines({"singer_state": MESSAGE}),
    "messages, a record last": lines(RECORD, MESSAGE, RECORD, MESSAGE, RECORD),
    "messages, cut off": lines(MESSAGE, RECORD) + b'{"type":"STA',
    "with a log": b"2026-11-24 a line of a log\n" + OF_MELTANO,
    "the states that a target printed": lines({"bookmarks": {}}, STATE),
    "the same with CRLF": lines({"bookmarks": {}}, STATE).replace(b"\n", b"\r\n"),
    "a byte order mark": BOM_UTF8 + lines(STATE),
    "as PowerShell saves it": OF_MELTANO.decode().encode("utf-16"),
}


@pytest.mark.parametrize("content", FOUND.values(), ids=FOUND)
def test_where_a_state_is_found(content: bytes) -> None:
    assert envelope.read(content) == STATE


def test_an_empty_state_is_one() -> None:
    assert envelope.read(b"{}") == envelope.read(lines({"singer_state": {}})) == {}


@pytest.mark.parametrize(
    "content",
    [
        lines([]),
        lines("bookmarks"),
        lines({"usernames": ["ann"]}),
        lines({"singer_state": None}),
        lines({"type": "STATE"}),
        lines(RECORD, RECORD),
        b"{",
        b"\0",
    ],
    ids=repr,
)
def test_what_is_no_state(content: bytes) -> None:
    with pytest.raises(ValueError, match="contains no Singer state: give the output of `melt"):
        envelope.read(content)


def run_with(folder: Path, config: dict[str, Any], state: bytes) -> Run:
    words = command(folder, config, state={})
    (folder / "state.json").write_bytes(state)
    return run_process(words)


def test_a_run_goes_on_from_the_output_of_another(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 250, every=3600)})
    config = settings(sandbox, ["ann"], "rapidapi")
    first = run(config)
    sandbox.take_requests()
    second = run_with(tmp_path, config, first.stdout.encode())
    assert (second.exit_code, second.follows("rapidapi")) == (0, [])
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b" \n", "is empty, because the run that should have written it ended early: restore"),
        (lines({"rapidapi_key": "canary-4711"}), "contains no Singer state"),
    ],
)
def test_a_file_without_a_state_is_never_a_first_run(
    sandbox: Sandbox, tmp_path: Path, content: bytes, says: str
) -> None:
    ended = run_with(tmp_path, settings(sandbox, ["ann"]), content)
    assert (ended.exit_code, ended.stdout, sandbox.requests) == (1, "", [])
    assert ended.last_line.startswith(f"{tmp_path / 'state.json'}, given by --state, {says}")
    assert "4711" not in ended.stderr
