"""The commands of docs/running.md and docs/troubleshooting.md, in a project with its tap."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import Fault, Scenario, World
from tap_tiktok_following.times import DAY
from tests.documents import ROOT, runs
from tests.e2e.processes import finish, needs_shell
from tests.e2e.project import Project
from tests.harness import (
    PROVIDERS,
    emptied,
    follows_of,
    pages_asked,
    settings,
    truth,
    wait_until,
)

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

LENGTHS = {"amber_bakes": 150, "ada": 1, "bob": 0, "cara": 99}

LISTS = {name: follows_of(name, length) for name, length in LENGTHS.items()}


@pytest.fixture
def project(sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project that has not run yet."""
    sandbox.world = World.of(LISTS)
    project = Project(tmp_path, settings(sandbox, LISTS))
    project.reader.add(Path(sys.executable).with_name("tap-tiktok-following"))
    return project


@pytest.fixture(scope="module")
def once(server: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    emptied(server).world = World.of(LISTS)
    project = Project(tmp_path_factory.mktemp("once"), settings(server, LISTS))
    project.run()
    return project


@pytest.fixture
def run_once(once: Project, sandbox: Sandbox, tmp_path: Path) -> Project:
    """A project that has run once, for each test anew."""
    sandbox.world = World.of(LISTS)
    return Project(tmp_path, settings(sandbox, LISTS), after=once)


def check_all_is_there(project: Project, sandbox: Sandbox) -> None:
    """Every follow is in the warehouse, once."""
    for provider in PROVIDERS:
        assert project.follows(provider) == sorted(truth(sandbox, *LISTS))


@runs("docs/running.md", "Running")
def test_the_name_of_the_state(section: Section, run_once: Project) -> None:
    listed = run_once.reader.follow(section)
    [name] = re.findall(r"^\S+:tap-tiktok-following-to-target-duckdb$", listed, re.MULTILINE)
    text = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    assert f"`{name}` here" in text


@runs("docs/running.md", "Restoring a lost warehouse")
def test_restoring_a_lost_warehouse(
    section: Section, run_once: Project, sandbox: Sandbox
) -> None:
    """All follows come back on the same day, and the next run asks for news only."""
    project = run_once
    project.warehouse.path.unlink()
    project.run()
    assert [project.follows(provider) for provider in PROVIDERS] == [[], []]
    project.reader.follow(section)
    check_all_is_there(project, sandbox)
    sandbox.requests.clear()
    project.run()
    assert len([request for request in sandbox.requests if request.username]) == 2 * len(LISTS)
    check_all_is_there(project, sandbox)


@runs("docs/running.md", "Reading all lists again")
def test_reading_all_lists_again(
    section: Section, run_once: Project, sandbox: Sandbox
) -> None:
    """Every list comes whole, right after it was read, and nothing loses its bookmark."""
    project = run_once
    sandbox.clock.advance(60)
    project.reader.follow(section)
    for provider in PROVIDERS:
        assert project.follows(provider) == sorted([*truth(sandbox, *LISTS)] * 2)
        scans = project.warehouse.rows(f"{provider}_scans")
        assert Counter(
            (row["outcome"], row["whole_list"], row["previous_scanned_at"] is None)
            for row in scans
        ) == {("complete", True, True): len(LISTS), ("complete", True, False): len(LISTS)}


@runs("docs/running.md", "Cron", "load")
@runs("docs/running.md", "The models after each run", "models")
def test_cron(load: Section, models: Section, project: Project, sandbox: Sandbox) -> None:
    """The day after, a list fails: the models are built all the same, and cron hears of it."""
    project.reader.follow(load)
    check_all_is_there(project, sandbox)
    log = project.folder / "follows.log"
    assert "Run completed" in log.read_text(encoding="utf-8")

    script, entry = models
    project.reader.follow([script])
    fault = Fault("error", username="cara", value=[418, "teapot", "I am a teapot"])
    sandbox.scenario = Scenario(faults=[fault])
    sandbox.clock.advance(DAY)
    project.reader.type(*project.reader.script(entry), code=1)
    coverage = project.warehouse.rows("coverage", "main_tiktok_following")
    assert {(row["username"], row["scans"], row["last_outcome"]) for row in coverage} == {
        *((name, 2, "unchanged") for name in LISTS.keys() - {"cara"}),
        ("cara", 2, "failed"),
    }


@runs("docs/running.md", "Meltano schedules")
def test_a_schedule(section: Section, project: Project, sandbox: Sandbox) -> None:
    project.reader.follow(section)
    check_all_is_there(project, sandbox)
    kept = yaml.safe_load((project.folder / "meltano.yml").read_text(encoding="utf-8"))
    assert kept["jobs"] == [
        {"name": "daily-follows", "tasks": ["tap-tiktok-following target-duckdb"]}
    ]
    assert kept["schedules"] == [
        {"name": "daily", "interval": "30 0 * * *", "job": "daily-follows"}
    ]


class Airflow:
    """As much of Airflow as is needed to see what a DAG is made of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dag: dict[str, Any] = {}
        self.task: dict[str, Any] = {}
        modules: dict[str, dict[str, Any]] = {
            "airflow.sdk": {"DAG": self._make_dag},
            "airflow.providers.standard.operators.bash": {"BashOperator": self._add_task},
        }
        for name, members in modules.items():
            module = ModuleType(name)
            vars(module).update(members)
            monkeypatch.setitem(sys.modules, name, module)

    def _make_dag(self, dag_id: str, **arguments: Any) -> Airflow:
        self.dag = {"dag_id": dag_id, **arguments}
        return self

    def _add_task(self, **arguments: Any) -> None:
        self.task.update(arguments)

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


@runs("docs/running.md", "Airflow")
def test_airflow(
    section: Section, project: Project, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's quota is spent: the task ends well, and once again reads only what is left."""
    [block] = section
    airflow = Airflow(monkeypatch)
    exec(compile(block.text, "dag.py", "exec"), {})  # noqa: S102
    assert airflow.dag["schedule"] == "30 0 * * *"
    assert airflow.task["append_env"]
    project.reader.environment.update(airflow.task["env"])
    command = [shutil.which("bash") or "sh", "-c"]
    command.append(project.reader.here(airflow.task["bash_command"]))

    sandbox.clock.advance(100 * DAY)  # to a day whose quota no other test has spent
    sandbox.scenario = Scenario(quota=2)
    project.reader.type(*command)
    read = {provider: answered(sandbox, provider) for provider in PROVIDERS}
    sandbox.scenario = Scenario()
    sandbox.clock.advance(DAY)
    sandbox.requests.clear()
    project.reader.type(*command)
    for provider in PROVIDERS:
        assert len(read[provider]) == 2
        assert len(answered(sandbox, provider)) == 3
    check_all_is_there(project, sandbox)


def answered(sandbox: Sandbox, provider: str) -> list[str | None]:
    """Whose pages a provider gave, in the order of the requests."""
    return [
        request.username
        for request in sandbox.requests
        if request.provider == provider and request.status == 200
    ]


@pytest.mark.skipif(not shutil.which("pkill"), reason="there is no pkill here")
@runs("docs/running.md", "Stopping a run")
def test_stopping_a_run(section: Section, project: Project, sandbox: Sandbox) -> None:
    """What it has read is loaded, and the next run reads the rest."""
    sandbox.world = World.of({**LISTS, "ada": follows_of("ada", 1000)})
    sandbox.scenario = Scenario(
        boundary="skip", faults=[Fault("silent", username="ada", page=5)]
    )
    running = project.start()
    wait_until(lambda: len(pages_asked(sandbox, "rapidapi", "ada")) == 5, within=120)
    project.reader.follow(section)
    log, _ = finish(running)
    assert running.returncode == 1, log
    assert Counter(name for name, _ in project.follows("rapidapi")) == {
        "ada": 400,
        "amber_bakes": 150,
        "cara": 99,
    }

    sandbox.scenario = Scenario(boundary="skip")
    sandbox.requests.clear()
    project.run()
    assert len(pages_asked(sandbox, "rapidapi", "ada")) == 6
    check_all_is_there(project, sandbox)


@runs("docs/troubleshooting.md", "Troubleshooting")
def test_at_debug_level(section: Section, project: Project, sandbox: Sandbox) -> None:
    """A line for each request."""
    _, with_meltano, without = section
    for block in (with_meltano, without):
        sandbox.requests.clear()
        log = project.reader.follow([block])
        assert len(re.findall(r'"(GET|POST) /\S+ HTTP/1.1" 200', log)) == len(sandbox.requests)
    check_all_is_there(project, sandbox)
    messages = (project.folder / "messages.jsonl").read_text(encoding="utf-8").splitlines()
    records = [line for line in messages if json.loads(line)["type"] == "RECORD"]
    assert len(records) == 2 * (250 + 4)
