"""Read one long list of usernames as shards, several at once, then build the dbt models."""

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = "/path/to/project"
SHARDS = 8
POOL = "tiktok"

with DAG(
    "tiktok_following",
    schedule="30 0 * * *",  # the daily quota of the Research API resets at 00:00 UTC
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"cwd": PROJECT, "append_env": True},
):
    load = BashOperator.partial(
        task_id="load",
        bash_command="meltano run --force tap-tiktok-following-$SHARD target-postgres-$SHARD",
        map_index_template="{{ task.env['SHARD'] }}",
        pool=POOL,
        retries=3,
        retry_delay=timedelta(minutes=10),
    ).expand(env=[{"SHARD": f"{part}-of-{SHARDS}"} for part in range(1, SHARDS + 1)])
    build = BashOperator(task_id="build", bash_command="meltano invoke dbt-postgres:build")
    load >> build
