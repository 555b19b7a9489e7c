"""README and docs/: links lead somewhere, names exist, commands are well-formed.

What runs: SQL and the scripts around it (test_docs_querying.py), and the jq line here. What is
checked without running it: shell commands (their syntax, and that Meltano has these commands
and options, where `make` has set Meltano up), Python and JSON (their syntax).
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tap_tiktok_following.errors import Outcome, Verdict
from tap_tiktok_following.tap import TapTikTokFollowing
from tests import harness
from tests.documents import DOCUMENTS, ROOT, anchors, blocks, links, prose

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

MELTANO_PYTHON = ROOT / ".tools" / "bin" / "python"

STATE_KEYS = {"known", "resume", "outcome", "visited_at", "whole_scanned_at"}
VIEWS = {"account", "first_seen", "last_seen", "is_older", "whole_list_at", "whole_lists"}
NOT_OURS = {
    *("log_id", "request_id"),  # the providers'
    *("max_active_runs", "send_anonymous_usage_stats", "batch_size_rows"),  # other tools'
}

_MELTANO_COMMANDS = """
import json
from meltano.cli import cli

def walk(command, path):
    options = [name for p in command.params for name in (*p.opts, *p.secondary_opts)]
    yield path, options
    for name in getattr(command, "commands", {}):
        yield from walk(command.commands[name], f"{path} {name}")

print(json.dumps(dict(walk(cli, "meltano"))))
"""


def shell_lines() -> list[str]:
    """Every command of the documentation."""
    lines = [line for block in blocks("sh", "console") for line in block.text.splitlines()]
    lines += re.findall(r"^(?:\S+ ){5}(.+)$", "".join(b.text for b in blocks("crontab")))
    return list(dict.fromkeys(filter(str.strip, lines)))


@pytest.fixture(scope="module")
def tap() -> TapTikTokFollowing:
    config = {"usernames": ["ada"], "research_access_token": "clt.1", "rapidapi_key": "key.1"}
    return TapTikTokFollowing(config=config)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    assert links(path)
    for link in links(path):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https"
            continue
        target = (path.parent / parts.path).resolve() if parts.path else path
        assert target.exists(), link
        assert not parts.fragment or parts.fragment in anchors(target), link


def test_names_exist(tap: TapTikTokFollowing) -> None:
    """Whatever looks like one of our names, in code marks, is one."""
    known = {*tap.config_jsonschema["properties"], *STATE_KEYS, *VIEWS, *NOT_OURS}
    known |= {outcome.value for outcome in Outcome}
    for stream in tap.streams.values():
        known |= {stream.name, *stream.schema["properties"]}
    for path in DOCUMENTS:
        named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)(?:`|: )", prose(path)))
        assert not named - known, path.name


def test_environment_variables_exist(tap: TapTikTokFollowing) -> None:
    settings = {name.upper() for name in tap.config_jsonschema["properties"]} | {"LOGLEVEL"}
    for path in DOCUMENTS:
        named = re.findall(r"TAP_TIKTOK_FOLLOWING_(\w+)", path.read_text(encoding="utf-8"))
        assert set(named) <= settings, path.name


def test_hosts_are_named(tap: TapTikTokFollowing) -> None:
    text = (ROOT / "docs" / "security-and-privacy.md").read_text(encoding="utf-8")
    properties = tap.config_jsonschema["properties"]
    urls = [p["default"] for name, p in properties.items() if name.endswith("_api_url")]
    assert len(urls) == len(harness.PROVIDERS)
    assert set(re.findall(r"^\| `(\S+)` \|", text, re.MULTILINE)) == {
        urlsplit(url).netloc for url in urls
    }


@pytest.mark.parametrize("name", ["README.md", "docs/troubleshooting.md"])
def test_verdicts_are_explained(name: str) -> None:
    table = [
        f"| {_capital(v.happened)} | {_capital(v.effect.value)} | {_capital(v.advice)} |"
        for v in Verdict
    ]
    assert "\n".join(table) in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "docs/running.md"])
def test_exit_codes_are_explained(name: str) -> None:
    rows = re.findall(
        r"^\| ([\d, ]+) \|", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    )
    named = {int(code) for row in rows for code in row.split(",")}
    by_signal = {128 + signal.SIGTERM, 128 + signal.SIGINT}
    assert named == {verdict.exit_code for verdict in Verdict} | by_signal


@pytest.mark.parametrize("line", shell_lines())
def test_shell_syntax(line: str) -> None:
    checked = subprocess.run(
        ["bash", "-n", "-c", line],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_python_syntax() -> None:
    for block in blocks("python"):
        compile(block.text, block.path.name, "exec")


def test_json_syntax() -> None:
    for block in blocks("json"):
        json.loads(block.text)


@pytest.mark.skipif(not MELTANO_PYTHON.exists(), reason="Meltano is not set up: make plugins")
def test_meltano_has_these_commands() -> None:
    listed = subprocess.run(
        [MELTANO_PYTHON, "-c", _MELTANO_COMMANDS], capture_output=True, check=True
    )
    commands: dict[str, list[str]] = json.loads(listed.stdout)
    lines = [line for line in shell_lines() if "meltano " in line]
    assert lines
    for line in lines:
        words = shlex.split(re.split(r" [|>]", line[line.index("meltano ") :])[0])
        options = {word.split("=")[0] for word in words if word.startswith("-")}
        arguments = [word for word in words[1:] if not word.startswith("-")]
        path = "meltano"
        while arguments and f"{path} {arguments[0]}" in commands:
            path = f"{path} {arguments.pop(0)}"
        assert not any(other.startswith(f"{path} ") for other in commands), line
        assert options <= {*commands[path], *commands["meltano"]}, line


@pytest.mark.skipif(not shutil.which("jq"), reason="there is no jq")
def test_reading_one_username_again(sandbox: Sandbox, tmp_path: Path) -> None:
    names = ["amber_bakes", "basil_games"]
    for name in names:
        sandbox.world.follow(name, "zed", at=harness.NOW - 1000)
    before = harness.run(harness.settings(sandbox, names, "research"))
    (tmp_path / "state.json").write_text(json.dumps({"singer_state": before.state}))
    [line] = [line for line in shell_lines() if line.startswith("jq")]
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)  # noqa: S607
    state: dict[str, Any] = json.loads((tmp_path / "new.json").read_text())
    again = harness.run(harness.settings(sandbox, names, "research"), state["singer_state"])
    assert again.follows("research") == [("amber_bakes", "zed")]
    scans = again.scans("research")
    assert (scans["amber_bakes"]["outcome"], scans["basil_games"]["outcome"]) == (
        "complete",
        "unchanged",
    )
    assert scans["amber_bakes"]["previous_scanned_at"] is None


def test_nothing_is_written_to_disk(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world.follow("ada", "zed", at=harness.NOW - 1000)
    process = harness.start(
        tmp_path,
        harness.settings(sandbox, ["ada"]),
        HOME=str(tmp_path),
        TMPDIR=str(tmp_path),
        TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG",
    )
    run = harness.finish(process)
    assert run.exit_code == 0
    assert run.text("DEBUG")
    assert [path.name for path in tmp_path.rglob("*")] == ["config.json"]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
