"""A third provider is a file and a line in the registry: tests/providers/third.py has both."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.documents import ROOT
from tests.harness import Run, bare
from tests.server import Reply, Server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server import Received

PASSWORD = "the-third-password"


def answer(request: Received) -> Reply:
    """Two pages of ann's list; bob's is private."""
    if request.headers["x-password"] != PASSWORD:
        said = {"problem": f"{request.headers['x-password']} is wrong"}
        return Reply(401, json.dumps(said).encode())
    if request.target.startswith("/bob?"):
        return Reply(403, b'{"problem": "This account is private"}')
    if "at=&" in request.target:
        return Reply(body=b'{"accounts": [{"handle": "one"}], "older": 1700000000}')
    return Reply(body=b'{"accounts": [{"handle": "two"}]}')


def third(*arguments: str) -> Run:
    done = subprocess.run(
        [sys.executable, "-m", "tests.providers.third", *arguments],
        cwd=ROOT,
        env=bare(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def sync(folder: Path, url: str, **more: Any) -> Run:
    config = {"usernames": ["ann", "bob"], "third_api_url": url, "third_password": PASSWORD}
    (folder / "config.json").write_text(json.dumps(config | more), encoding="utf-8")
    return third("--config", str(folder / "config.json"))


def test_lists_are_read(tmp_path: Path) -> None:
    with Server(answer) as server:
        ended = sync(tmp_path, server.url)
    assert ended.exit_code == 0
    records = ended.records("third_following")
    assert [(r["follower_username"], r["handle"]) for r in records] == [
        ("ann", "one"),
        ("ann", "two"),
    ]
    outcomes = {name: scan["outcome"] for name, scan in ended.scans("third").items()}
    assert outcomes == {"ann": "complete", "bob": "private"}
    assert PASSWORD not in ended.stdout + ended.stderr


def test_its_own_words_about_errors_are_used(tmp_path: Path) -> None:
    with Server(answer) as server:
        ended = sync(tmp_path, server.url, third_password="another-password")
    assert ended.exit_code == 1
    assert ended.last_line.endswith(
        "third_following: the third provider does not know the password (HTTP 401, error: *** "
        "is wrong): check `third_password`."
    )


def test_settings_are_checked(tmp_path: Path) -> None:
    ended = sync(
        tmp_path, "http://third.example", third_password="a b", third_requests_per_second=0
    )
    assert ended.exit_code == 1
    for setting in ("third_api_url", "third_password", "third_requests_per_second"):
        assert f"`{setting}`" in ended.last_line


def test_settings_and_streams_are_listed() -> None:
    about = json.loads(third("--about", "--format=json").stdout)
    names = [name for name in about["settings"]["properties"] if name.startswith("third_")]
    assert sorted(names) == [
        "third_api_url",
        "third_max_requests",
        "third_password",
        "third_requests_per_second",
    ]
    streams = json.loads(third("--discover").stdout)["streams"]
    assert {"third_following", "third_scans"} <= {s["tap_stream_id"] for s in streams}
