"""The example as its README tells: thousands of usernames, a shard killed, every row there."""

from __future__ import annotations

from collections import Counter

from sandbox import Sandbox, Scenario
from tests.documents import section_of
from tests.e2e.airflow.engine import Airflow
from tests.e2e.airflow.project import LENGTHS, NAMES, PRIVATE, Project
from tests.e2e.postgres import Postgres
from tests.harness import PROVIDERS, truth, wait_until
from tests.warehouse import Warehouse, pairs

ALL = [f"{part}-of-8" for part in range(1, 9)]
KILLED = ("3-of-8", "4-of-8")
IN_FLIGHT = 8 * len(KILLED)
"""By the tap's default `concurrency`."""

SLOTS = 5
"""Of the pool."""


def test_the_readme(
    project: Project, airflow: Airflow, sandbox: Sandbox, postgres: Postgres
) -> None:
    """Two of eight shards are killed in the middle: their second try reads what is left."""
    project.reader.follow(section_of("examples/airflow/README.md", "Shards"))
    add, try_one, unpause = section_of("examples/airflow/README.md", "Airflow")
    project.reader.type("airflow", "db", "migrate")
    project.reader.follow([add, try_one])
    assert len(sandbox.requests) == 2 * 10 + 1  # and a token
    sandbox.scenario = Scenario(latency=0.2)
    with airflow.running():
        airflow.wait_for_dag()
        project.reader.follow([unpause])
        wait_until(lambda: project.taps().keys() >= set(KILLED), within=600)
        before = len(sandbox.requests)
        wait_until(lambda: len(sandbox.requests) > before + 500, within=600)
        project.kill_tap(KILLED[0])
        project.kill_all(KILLED[1])
        asked_before = {request.username for request in sandbox.requests}
        sandbox.scenario = Scenario()
        state = airflow.wait_for_run()
    assert state == "success", airflow.logs()

    check_tasks(airflow)
    check_states(project, asked_before)
    check_rows(sandbox, postgres.database("warehouse"))
    pages = Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)
    # Nothing was paid for twice, except what was on its way to the killed shards.
    assert sum(requests > 1 for requests in pages.values()) <= IN_FLIGHT
    assert max(pages.values()) <= 2


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


def check_states(project: Project, requested: set[str | None]) -> None:
    """Each username is in the state of one shard; two shards were killed in between."""
    in_shard = {shard: project.usernames(shard) for shard in ALL}
    assert Counter(name for names in in_shard.values() for name in names) == Counter(NAMES)
    for shard in KILLED:
        assert 0 < sum(name in requested for name in in_shard[shard]) < len(in_shard[shard])


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
