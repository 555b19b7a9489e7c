"""`python -m sandbox` as a user runs it: in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

COMMAND = (sys.executable, "-m", "sandbox")
PREFIX = "TAP_TIKTOK_FOLLOWING_"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_run_gives_the_command_its_environment() -> None:
    script = (
        "import os, requests;"
        f"names = open(os.environ['{PREFIX}USERNAMES_PATH']).read().split();"
        f"url = os.environ['{PREFIX}RAPIDAPI_API_URL'];"
        f"assert url == os.environ['{PREFIX}RESEARCH_API_URL'];"
        f"headers = {{'x-rapidapi-key': os.environ['{PREFIX}RAPIDAPI_KEY'],"
        " 'x-rapidapi-host': url[7:]};"
        "page = requests.get(f'{url}/api/v1/users/{names[0]}/following', headers=headers);"
        "print(len(names), len(page.json()['data']))"
    )
    done = run("run", "--usernames", "12", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout.split()[0]) == (0, "12")
    assert int(done.stdout.split()[1]) > 10
    assert re.fullmatch(r"sandbox: serving at http://127\.0\.0\.1:\d+\n", done.stderr)


def test_run_leaves_the_users_own_usernames_alone(tmp_path: Path) -> None:
    script = f"import os; print(os.environ['{PREFIX}USERNAMES_PATH'])"
    own = str(tmp_path / "own.txt")
    done = run("run", "--", sys.executable, "-c", script, **{f"{PREFIX}USERNAMES_PATH": own})
    assert done.stdout.strip() == own


def test_run_obeys_a_scenario(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"faults": [{"kind": "status", "provider": "token", "value": 503}]}')
    script = (
        "import os, requests;"
        "headers = {'cache-control': 'no-cache'};"
        "form = {'grant_type': 'client_credentials',"
        f" 'client_key': os.environ['{PREFIX}RESEARCH_CLIENT_KEY'],"
        f" 'client_secret': os.environ['{PREFIX}RESEARCH_CLIENT_SECRET']}};"
        f"url = os.environ['{PREFIX}RESEARCH_API_URL'] + '/v2/oauth/token/';"
        "print(requests.post(url, data=form, headers=headers).status_code)"
    )
    done = run("run", "--scenario", str(scenario), "--", sys.executable, "-c", script)
    assert done.stdout == "503\n"


posix = pytest.mark.skipif(os.name == "nt", reason="signals and words are POSIX's")


@posix
@pytest.mark.parametrize(
    ("script", "code"), [("exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_run_ends_as_the_command_ends(script: str, code: int) -> None:
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
        assert process.wait(timeout=10) == 42


@posix
def test_run_names_a_command_that_cannot_be_run() -> None:
    done = run("run", "--", "no-such-command")
    assert done.returncode == 127
    assert done.stderr.splitlines()[1:] == [
        "sandbox: no-such-command: No such file or directory"
    ]


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
        url = process.stdout.readline().strip()
        exports = [process.stdout.readline().strip() for _ in range(6)]
        names = [line.removeprefix(f"export {PREFIX}").partition("=")[0] for line in exports]
        usernames = Path(exports[-1].partition("=")[2]).read_text().split()
        assert requests.get(f"{url}/v2/oauth/token/", timeout=5).status_code == 405
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    assert len(usernames) == 3
    assert names == [
        "RESEARCH_CLIENT_KEY",
        "RESEARCH_CLIENT_SECRET",
        "RAPIDAPI_KEY",
        "RESEARCH_API_URL",
        "RAPIDAPI_API_URL",
        "USERNAMES_PATH",
    ]


def test_a_bad_scenario_is_told_in_a_sentence(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"latency": "slow"}')
    done = run("serve", "--scenario", str(scenario))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"python -m sandbox: error: {scenario}: Expected `float`, got `str` - at `$.latency`"
    )
