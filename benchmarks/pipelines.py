"""Whole pipelines: Meltano running this tap into a database, and dlt doing the same load."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks import environment, process
from benchmarks.contestants import ENVIRONMENT, tap_config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.server import Server

TAP = "tap-tiktok-following"

AT_ONCE = 2
"""Shards that run at the same time."""


_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", list: "array"}
"""How Meltano reads a setting again that a variable of the environment replaces."""


@dataclass(frozen=True)
class PipelineRun:
    """What a whole pipeline took, from typing its command to its end.

    Attributes:
        wall: Seconds.
        cpu: Seconds of processor time of all its processes.
        memory: Bytes: the most that the largest of its processes held.
        requests: How many pages it asked for.
    """

    wall: float
    cpu: float
    memory: int
    requests: int


class Project:
    """A Meltano project with this tap, one plugin for each shard, and one target.

    Args:
        folder: Where to make it.
        server: Where the lists are.
        target: The name of the target and its settings.
        shards: Into how many shards the usernames are divided; 0 for one pipeline.
        more: Further settings of the tap.
    """

    def __init__(
        self,
        folder: Path,
        server: Server,
        target: tuple[str, Mapping[str, Any]],
        shards: int = 0,
        **more: Any,  # noqa: ANN401 - settings are the tap's own
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self._server = server
        self._target, target_settings = target
        settings = tap_config(server, folder, **more)
        names = [f"{TAP}-{number}" for number in range(1, shards + 1)]
        inherited = [
            {"name": name, "inherit_from": TAP, "config": {"shard": f"{number}/{shards}"}}
            for number, name in enumerate(names, start=1)
        ]
        self._taps = names or [TAP]
        extractor = {
            **_plugin(TAP, environment.program("taps", TAP), settings),
            "capabilities": ["catalog", "discover", "state"],
        }
        loader = _plugin(
            self._target, environment.program("targets", self._target), target_settings
        )
        project = {
            "default_environment": "prod",
            "environments": [{"name": "prod"}],
            "project_id": "benchmark",
            "send_anonymous_usage_stats": False,
            "cli": {"disable_version_check": True},
            "plugins": {"extractors": [extractor, *inherited], "loaders": [loader]},
        }
        (folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def try_out(self, **settings: object) -> None:
        """Run the first tap with other settings, to make Meltano's database and the tables.

        Two that make them at the same time stand in each other's way.
        """
        variables = {
            f"{self._taps[0]}_{name}".replace("-", "_").upper(): str(value)
            for name, value in settings.items()
        }
        self._run(self._taps[0], variables)
        self._server.take_log()

    def run(self) -> PipelineRun:
        """Run the pipeline, or those of all shards, a few at the same time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            usages = list(pool.map(lambda name: self._run(name, {}), self._taps))
        return _added_up(usages, self._server)

    def command(self, tap: str = TAP, *options: str) -> list[str]:
        """The command that runs the pipeline of one tap."""
        meltano = [str(environment.MELTANO), f"--cwd={self._folder}"]
        return [*meltano, "run", *options, tap, self._target]

    def _run(self, tap: str, variables: Mapping[str, str]) -> process.Usage:
        log = self._folder / f"{tap}.jsonl"
        return process.run(self.command(tap), log, {**ENVIRONMENT, **variables})


def _plugin(name: str, executable: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": name.replace("-", "_"),
        "executable": executable,
        "settings": [
            {"name": setting, "value": value, "kind": _KINDS.get(type(value), "string")}
            for setting, value in settings.items()
        ],
    }


def dlt(folder: Path, server: Server) -> PipelineRun:
    """The same load by dlt's REST client with as many workers, into DuckDB."""
    folder.mkdir()
    path = folder / "usernames.txt"
    path.write_text("\n".join(server.usernames), encoding="utf-8")
    keys = ("research_api_url", "research_client_key", "research_client_secret")
    command = [environment.program("peers", "python"), "-m", "benchmarks.peers.run_dlt"]
    arguments = [*(server.config[key] for key in keys), str(path), str(folder / "dlt.duckdb")]
    variables = {**ENVIRONMENT, "DLT_DATA_DIR": str(folder)}
    usage = process.run([*command, *arguments], folder / "dlt.log", variables)
    return _added_up([usage], server)


def count_rows(database: Path, table: str) -> int:
    """How many rows a table of a DuckDB file holds."""
    code = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=True); "
        "print(len(connection.table(sys.argv[2])))"
    )
    command = [environment.program("targets", "python"), "-c", code, str(database), table]
    return int(subprocess.check_output(command))  # noqa: S603 - our own command


def _added_up(usages: Sequence[process.Usage], server: Server) -> PipelineRun:
    requests = [request for request in server.take_log() if request.provider == "research"]
    return PipelineRun(
        max(usage.ended for usage in usages) - min(usage.started for usage in usages),
        sum(usage.cpu for usage in usages),
        max(usage.memory for usage in usages),
        len(requests),
    )
