"""`python -m sandbox` as a user runs it: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.harness import PREFIX

COMMAND = (sys.executable, "-m", "sandbox")
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
exit(7)
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "run", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_serves_lists_of_every_kind_to_a_command(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"faults": [{"kind": "status", "username": "user0"}]}')
    done = run("--scenario", str(scenario), "--", sys.executable, "-c", READ)
    lengths = (430, 210, 101, 100, 45, 20, 7, 1, 0)
    listed = [f"user{n} 200 {length}" for n, length in enumerate(lengths, 1)]
    refused = ["user10 403 None", "user11 403 None", "user12 404 None"]
    assert done.stdout.splitlines() == ["user0 500 None", *listed, *refused]
    assert done.stderr.startswith("sandbox: serving at http://127.0.0.1:")
    assert done.returncode == 7


def test_run_keeps_the_users_own_usernames_and_ends_as_a_shell_does() -> None:
    script = f"echo ${PREFIX}USERNAMES_PATH; kill $$"
    done = run("--", "sh", "-c", script, **{f"{PREFIX}USERNAMES_PATH": "own.txt"})
    assert (done.stdout, done.returncode) == ("own.txt\n", 128 + signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_what_to_paste_and_serves_until_interrupted(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url, *exports = (process.stdout.readline().strip() for _ in range(7))
        values = dict(line.removeprefix(f"export {PREFIX}").split("=") for line in exports)
        assert tuple(values) == NAMES
        assert Path(values["USERNAMES_PATH"]).read_text().startswith("user0\nuser1\n")
        assert requests.get(f"{url}/v2/oauth/token/", timeout=30).status_code == 405
        process.send_signal(number)
        assert process.wait(timeout=120) == 0


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        ('{"qouta": 50}', "Object contains unknown field `qouta`"),
        ('{"faults": [{"kind": "explode"}]}', "no such fault: explode - at `$.faults[0]`"),
    ],
)
def test_wrong_scenario_is_refused_in_one_sentence(
    tmp_path: Path, scenario: str, problem: str
) -> None:
    path = tmp_path / "scenario.json"
    path.write_text(scenario)
    done = run("--scenario", str(path), "--", "true")
    assert done.returncode == 2
    assert done.stderr.endswith(f"sandbox: error: {path}: {problem}\n")
