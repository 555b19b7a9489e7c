"""The example as its README tells: thousands of usernames, a shard killed, every row there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox, Scenario, World
from tests.documents import section_of
from tests.e2e.airflow.engine import Airflow, free_port
from tests.e2e.postgres import Postgres, serve
from tests.e2e.project import clone
from tests.e2e.reader import Reader
from tests.harness import PROVIDERS, follows_of, settings, truth, variables, wait_until
from tests.warehouse import Warehouse, pairs

NAMES = [f"user.{number}" for number in range(3000)]
PRIVATE = {name for name in NAMES if name.endswith(".99")}
LENGTHS = {
    name: 130 if place % 50 == 0 else place % 7 + 1
    for place, name in enumerate(NAMES)
    if name not in PRIVATE
}

ALL = [f"{part}-of-8" for part in range(1, 9)]
KILLED = ("3-of-8", "4-of-8")
IN_FLIGHT = 8 * len(KILLED)
"""By the tap's default `concurrency`."""

SLOTS = 5
"""Of the pool."""

TAP = "tap-tiktok-following"

STAND_INS = {
    "--research-requests-per-second 10": (
        "--research-requests-per-second 5000 --rapidapi-requests-per-second 5000"
    ),
    "minutes=10": "seconds=1",
}


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with serve(free_port()) as server:
        server.new_database()
        yield server


@pytest.fixture
def reader(tmp_path: Path, sandbox: Sandbox, postgres: Postgres) -> Iterator[Reader]:
    """Yield who works in a clone of this repository, with a list of usernames."""
    sandbox.world = World.of(
        {name: follows_of(name, length) for name, length in LENGTHS.items()}, private=PRIVATE
    )
    folder = clone(tmp_path / "project")
    (folder / "usernames.txt").write_text("\n".join(NAMES), encoding="utf-8")
    config = settings(sandbox, [], usernames_path="usernames.txt")
    del config["usernames"]
    target = {
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(postgres.port),
        "TARGET_POSTGRES_DATABASE": "warehouse",
        "TARGET_POSTGRES_PASSWORD": "any",
        "PGTZ": "UTC",
    }
    stand_ins = {"/path/to/project": folder, **STAND_INS}
    reader = Reader(folder, variables(config) | target, stand_ins)
    dag = folder / "examples" / "airflow" / "tiktok_following.py"
    dag.write_text(reader.here(dag.read_text(encoding="utf-8")), encoding="utf-8")
    yield reader
    for pid in taps(reader).values():
        os.killpg(os.getpgid(pid), signal.SIGKILL)


def taps(reader: Reader) -> dict[str, int]:
    """Return the process of each shard's tap that is running."""
    ps = ["/bin/ps", "-axww", "-o", "pid=,args="]
    listed = subprocess.check_output(ps, encoding="utf-8")
    folder = re.escape(f"{reader.folder}/.meltano/run")
    found = re.findall(rf"^ *(\d+) .*{folder}/{TAP}-(\S+?)/", listed, re.MULTILINE)
    return {shard: int(pid) for pid, shard in found}


def test_the_readme(
    reader: Reader, sandbox: Sandbox, postgres: Postgres, tmp_path: Path
) -> None:
    """Two of eight shards are killed in the middle: their second try reads what is left.

    Of one the tap is killed, which Meltano sees; of the other one the tap, target, Meltano and
    shell at once, as a lack of memory may do it.
    """
    airflow = Airflow(tmp_path / "airflow", postgres, reader)
    reader.follow(section_of("examples/airflow/README.md", "Shards"))
    add, try_one, unpause = section_of("examples/airflow/README.md", "Airflow")
    reader.type("airflow", "db", "migrate")
    reader.follow([add, try_one])
    assert len(sandbox.requests) == 2 * 10 + 1  # and a token
    sandbox.scenario = Scenario(latency=0.2)
    with airflow.running():
        reader.follow([unpause])
        wait_until(lambda: taps(reader).keys() >= set(KILLED), within=600)
        before = len(sandbox.requests)
        wait_until(lambda: len(sandbox.requests) > before + 500, within=600)
        first, second = (taps(reader)[shard] for shard in KILLED)
        os.kill(first, signal.SIGKILL)
        os.killpg(os.getpgid(second), signal.SIGKILL)
        requested = {request.username for request in sandbox.requests}
        sandbox.scenario = Scenario()
        wait_until(lambda: run_state(airflow) in {"success", "failed"}, within=900)
    assert run_state(airflow) == "success", airflow.logs()

    check_tasks(airflow)
    check_states(reader, requested)
    check_rows(sandbox, postgres.database("warehouse"))
    pages = Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)
    # Nothing was paid for twice, except what was on its way to the killed shards.
    assert sum(requests > 1 for requests in pages.values()) <= IN_FLIGHT
    assert max(pages.values()) <= 2


def run_state(airflow: Airflow) -> str:
    """Return the state of the only DAG run, or an empty string."""
    return "".join(run["state"] for run in airflow.rows("dag_run"))


def check_tasks(airflow: Airflow) -> None:
    """Every shard ran once, the killed ones twice, several at once, dbt after the last."""
    tasks = airflow.rows("task_instance")  # the last try of each
    loads = {task["rendered_map_index"]: task for task in tasks if task["task_id"] == "load"}
    assert {shard: load["try_number"] for shard, load in loads.items()} == {
        shard: 2 if shard in KILLED else 1 for shard in ALL
    }
    [build] = [task for task in tasks if task["task_id"] == "build"]
    assert build["start_date"] > max(load["end_date"] for load in loads.values())
    tries = [*loads.values(), *airflow.rows("task_instance_history")]
    at_once = [
        sum(other["start_date"] <= its["start_date"] < other["end_date"] for other in tries)
        for its in tries
    ]
    assert 1 < max(at_once) <= SLOTS


def check_states(reader: Reader, requested: set[str | None]) -> None:
    """Each username is in the state of one shard; two shards were killed in between."""
    states = {
        shard: reader.state(f"prod:{TAP}-{shard}-to-target-postgres-{shard}") for shard in ALL
    }
    for provider in PROVIDERS:
        in_shard = {
            shard: [
                entry["context"]["follower_username"]
                for entry in state["bookmarks"][f"{provider}_following"]["partitions"]
            ]
            for shard, state in states.items()
        }
        assert Counter(name for names in in_shard.values() for name in names) == Counter(NAMES)
        for shard in KILLED:
            read = sum(name in requested for name in in_shard[shard])
            assert 0 < read < len(in_shard[shard])


def check_rows(sandbox: Sandbox, warehouse: Warehouse) -> None:
    """Every follow and every scan is there once, and so it is in the models."""
    for provider in PROVIDERS:
        rows = warehouse.rows(f"tiktok.{provider}_following")
        assert pairs(rows) == sorted(truth(sandbox, *LENGTHS))
        ended = Counter(
            (scan["follower_username"], scan["outcome"])
            for scan in warehouse.rows(f"tiktok.{provider}_scans")
            if scan["outcome"] != "interrupted"  # whose first page was on its way
        )
        assert ended == Counter(
            (name, "private" if name in PRIVATE else "complete") for name in NAMES
        )
    covered = sorted((row["provider"], row["username"]) for row in warehouse.model("coverage"))
    assert covered == sorted((provider, name) for provider in PROVIDERS for name in NAMES)
    assert len(warehouse.model("follows")) == 2 * sum(LENGTHS.values())
