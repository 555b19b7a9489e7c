"""Airflow takes the DAG."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.documents import ROOT
from tests.e2e.airflow.engine import program
from tests.e2e.processes import WITHIN
from tests.harness import environment

if TYPE_CHECKING:
    from pathlib import Path

DAG_BAG = """\
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
dags = {
    name: {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}
    for name, dag in bag.dags.items()
}
print(json.dumps({"errors": bag.import_errors, "dags": dags}))
"""


def test_it_loads_without_an_error(tmp_path: Path) -> None:
    assert load(ROOT / "examples" / "airflow", tmp_path) == {
        "errors": {},
        "dags": {"tiktok_following": {"load": ["build"], "build": []}},
    }


def test_an_error_would_show(tmp_path: Path) -> None:
    (tmp_path / "dag.py").write_text("from airflow.sdk import DAGS", encoding="utf-8")
    assert "DAGS" in str(load(tmp_path, tmp_path)["errors"])


def load(folder: Path, home: Path) -> dict[str, Any]:
    """What a DagBag makes of a folder."""
    answer = subprocess.run(
        [program("python"), "-c", DAG_BAG, folder],
        env=environment(
            AIRFLOW_HOME=str(home),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
        ),
        capture_output=True,
        check=True,
        timeout=WITHIN,
    )
    return json.loads(answer.stdout.splitlines()[-1])  # type: ignore[no-any-return]
