"""A person at a shell, who types what the documentation says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.documents import Block
from tests.e2e import processes
from tests.e2e.targets import TOOLS, install, tool
from tests.harness import environment

_NOT_INHERITED = (
    *("GIT_", "MAKE", "MFLAGS"),  # of a git hook, and of `make test`
    *("MELTANO_", "TAP_", "TARGET_"),  # settings of pipelines
)
"""Prefixes of variables."""


class Reader:
    """A person at a shell.

    Args:
        folder: Their working directory.
        variables: Environment variables.
        stand_ins: What they type instead of a text of the documentation.

    Attributes:
        programs: A folder on their PATH.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str],
        stand_ins: Mapping[str, object] | None = None,
    ) -> None:
        self.folder = folder
        self._stand_ins = stand_ins or {}
        own = folder / ".reader"
        self.programs = own / "bin"
        self.programs.mkdir(parents=True)
        pipx = install("pipx", ["pipx~=1.17"]) / "bin" / "pipx"
        for program in (tool("meltano"), tool("uv"), pipx):
            (self.programs / program.name).symlink_to(program)
        inherited = {
            k: v for k, v in environment().items() if not k.startswith(_NOT_INHERITED)
        }
        self.environment = {
            **inherited,
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "PIPX_BIN_DIR": str(self.programs),
            "PIPX_HOME": str(own / "pipx"),
            "UV_PYTHON_INSTALL_DIR": str(TOOLS / "python"),
            "XDG_STATE_HOME": str(own),
            **variables,
        }

    def follow(self, blocks: Iterable[Block]) -> None:
        """Save the files and type the commands of some blocks, which have to end well."""
        for block in blocks:
            text = self.here(block.text)
            if block.name:
                (self.folder / block.name).write_text(text, encoding="utf-8")
            else:
                self.type("sh", "-e", "-c", text)

    def here(self, text: str) -> str:
        """Return a text of the documentation with the stand-ins in it."""
        for written, instead in self._stand_ins.items():
            text = text.replace(written, str(instead))
        return text

    def type(self, *command: str, code: int = 0) -> str:
        """Run a command that has to end with this exit code, and return what it printed."""
        process = self.start(*command)
        printed = processes.finish(process)
        assert process.returncode == code, printed
        return printed

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; stdout and stderr are one pipe."""
        return processes.start(command, self.environment, self.folder)

    def state(self, pipeline: str) -> dict[str, Any]:
        """Return the state that Meltano keeps for a pipeline."""
        printed = self.type("meltano", "state", "get", pipeline)
        [line] = [line for line in printed.splitlines() if line.startswith("{")]
        return json.loads(line)["singer_state"]  # type: ignore[no-any-return]
