"""`python -m sandbox` as a user runs it: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

COMMAND = (sys.executable, "-m", "sandbox")
PREFIX = "TAP_TIKTOK_FOLLOWING_"
NAMES = (
    *("RESEARCH_CLIENT_KEY", "RESEARCH_CLIENT_SECRET", "RAPIDAPI_KEY"),
    *("RESEARCH_API_URL", "RAPIDAPI_API_URL", "USERNAMES_PATH"),
)
READ = f"""
import os, requests
env = {{name: os.environ["{PREFIX}" + name] for name in {NAMES}}}
url = env["RAPIDAPI_API_URL"]
headers = {{"x-rapidapi-key": env["RAPIDAPI_KEY"], "x-rapidapi-host": url[7:]}}
for name in open(env["USERNAMES_PATH"]).read().split():
    response = requests.get(f"{{url}}/api/v1/users/{{name}}/following", headers=headers)
    print(name, response.status_code, (response.json()["pagination"] or {{}}).get("total"))
"""

posix = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_serves_lists_of_every_kind() -> None:
    done = run("run", "--usernames", "13", "--", sys.executable, "-c", READ)
    lengths = (1200, 430, 210, 101, 100, 45, 20, 7, 1, 0)
    listed = [f"user{n} 200 {length}" for n, length in enumerate(lengths)]
    refused = ["user10 403 None", "user11 403 None", "user12 404 None"]
    assert done.stdout.splitlines() == [*listed, *refused]
    assert done.stderr.startswith("sandbox: serving at http://127.0.0.1:")
    assert done.returncode == 0


def test_run_keeps_the_users_own_usernames_and_follows_a_scenario(tmp_path: Path) -> None:
    own, scenario = tmp_path / "own.txt", tmp_path / "scenario.json"
    own.write_text("user0\n")
    scenario.write_text('{"faults": [{"kind": "status", "value": 503}]}')
    program = ("--", sys.executable, "-c", READ)
    paths = {f"{PREFIX}USERNAMES_PATH": str(own)}
    done = run("run", "--scenario", str(scenario), *program, **paths)
    assert done.stdout == "user0 503 None\n"


@posix
@pytest.mark.parametrize(
    ("script", "code"), [("exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_run_ends_with_the_exit_code_of_the_command(script: str, code: int) -> None:
    assert run("run", "--", sys.executable, "-c", script).returncode == code


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_passes_signals_on(number: signal.Signals) -> None:
    script = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [*COMMAND, "run", "--", sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=120) == 42


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_what_to_paste_and_serves_until_interrupted(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--usernames", "3"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url, *exports = (process.stdout.readline().strip() for _ in range(7))
        values = dict(line.removeprefix(f"export {PREFIX}").split("=") for line in exports)
        assert tuple(values) == NAMES
        assert Path(values["USERNAMES_PATH"]).read_text() == "user0\nuser1\nuser2\n"
        assert requests.get(f"{url}/v2/oauth/token/", timeout=30).status_code == 405
        process.send_signal(number)
        assert process.wait(timeout=120) == 0


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"latency": "slow"}')
    wrong = run("serve", "--scenario", str(scenario))
    missing = run("run", "--", "no-such-command")
    assert (wrong.returncode, missing.returncode) == (2, 127)
    assert wrong.stderr.splitlines()[-1] == (
        f"python -m sandbox: error: {scenario}: Expected `float`, got `str` - at `$.latency`"
    )
    assert missing.stderr.splitlines()[1:] == [
        "sandbox: no-such-command: No such file or directory"
    ]
