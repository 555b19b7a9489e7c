"""`tap | target`, as a shell runs it, with the state that the target has saved."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

from tests.e2e.processes import WITHIN, finish, start
from tests.e2e.targets import install, pinned
from tests.e2e.warehouses import ELSEWHERE
from tests.harness import Run, bare, command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.e2e.warehouses import Warehouse


class Pipe:
    """A tap with its settings, a target, and the state between two loads.

    Args:
        folder: Where its files are.
        config: The tap's settings.
        warehouse: Where the target loads to.
        catalog: The tap's catalog; its own unless given.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        warehouse: Warehouse,
        catalog: Mapping[str, Any] | None = None,
    ) -> None:
        self._folder = folder
        self._config = config
        self._warehouse = warehouse
        self._catalog = catalog
        self._state: dict[str, Any] | None = None
        self._loads = 0

    def load(self) -> Run:
        """Run both once, and return what the tap sent; both have to end well."""
        self._loads += 1
        messages = self._folder / f"messages.{self._loads}"
        pipe = f"{self._tap()} | tee {shlex.quote(str(messages))} | {self._target()}"
        shell = ["/bin/bash", "-o", "pipefail", "-c", pipe]
        process = start(shell, bare(TZ=ELSEWHERE), stderr=subprocess.PIPE)
        states, log = finish(process)
        assert process.returncode == 0, log
        self._state = json.loads(states.splitlines()[-1])
        return Run(process.returncode, messages.read_text(encoding="utf-8"), log)

    def _tap(self) -> str:
        tap = command(self._folder, self._config, self._state)
        if self._catalog is not None:
            tap += ["--catalog", _write(self._folder / "catalog.json", self._catalog)]
        return shlex.join(tap)

    def _target(self) -> str:
        name = self._warehouse.target
        config = self._warehouse.config(self._loads)
        target = install(name, pinned()[name]) / "bin" / name
        path = _write(self._folder / "target.json", config)
        return shlex.join([str(target), "--config", path])


def discover(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the catalog that the tap prints."""
    tap = [*command(folder, config), "--discover"]
    answer = subprocess.run(tap, env=bare(), capture_output=True, check=True, timeout=WITHIN)
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def _write(path: Path, value: Mapping[str, Any]) -> str:
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)
