"""A reader of the documentation, who types what it says in the order in which it says it."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from tests.e2e import processes
from tests.e2e.targets import TOOLS, install, tool
from tests.harness import environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tests.documents import Block

STAND_INS = {
    "https://raw.githubusercontent.com/tap-tiktok-following/tap-tiktok-following/main/"
    "tap-tiktok-following.yml": "this checkout's file, which installs the wheel built from it",
    "git+https://github.com/tap-tiktok-following/tap-tiktok-following.git": "that wheel",
    "meltano add target-jsonl": "from a definition in a file: no test can ask the Hub",
    "--research-requests-per-second 10": "a rate at which a test does not wait",
    "MAX_REQUESTS=2000": "a limit that ends a wave of few usernames",
    "minutes=10": "a delay before a retry for which a test does not wait",
    "YOUR_KEY": "the sandbox's key; a config.json, which is read alone, then gets its URL",
    "/path/to/project": "every reader has another",
    "make test": "with --dry-run: it is what runs this, in CI too",
    "COMMAND ...": "any command",
    ".venv/bin/python -m sandbox serve": "with a free port, and all the options that it has",
}
"""What is typed differently in a test, and what instead and why.

So are the sandbox's URLs, and who to read where the documentation doesn't say, but in the
environment.
"""

PIPX = ["pipx~=1.17"]

NOT_TYPED = {
    "text": "output and pictures",
    "sql": "tests/docs/test_analysis.py runs all of it",
}

_NOT_A_READERS = (
    *("GIT_", "MAKE", "MFLAGS"),  # of a git hook, and of `make test`
    *("MELTANO_", "TAP_", "TARGET_"),  # settings of pipelines, whoever's
)
"""Variables that they do not inherit, by how their names start."""


class Reader:
    """A person at a shell.

    Args:
        folder: Where they are.
        variables: Environment variables.
        stand_ins: What they type instead of what is written, all of it named in `STAND_INS`.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str],
        stand_ins: Mapping[str, object] | None = None,
    ) -> None:
        self.folder = folder
        self._stand_ins = stand_ins or {}
        assert self._stand_ins.keys() <= STAND_INS.keys()
        own = folder / ".reader"
        self._programs = own / "bin"
        self._programs.mkdir(parents=True)
        for program in (tool("meltano"), tool("uv"), install("pipx", PIPX) / "bin" / "pipx"):
            self.add(program)
        self._script = own / "typed"
        self.environment = {
            **_inherited(),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "PIPX_BIN_DIR": str(self._programs),
            "PIPX_HOME": str(own / "pipx"),
            "PRE_COMMIT_HOME": str(own / "pre-commit"),
            "UV_PYTHON_INSTALL_DIR": str(TOOLS / "python"),
            "XDG_STATE_HOME": str(own),
            **variables,
        }

    def add(self, program: Path) -> None:
        """Put a program on their PATH as pipx does: by a link in a folder of their own."""
        (self._programs / program.name).symlink_to(program)

    def follow(self, blocks: Iterable[Block]) -> str:
        """Save files and type commands as told; all of them have to end well.

        Returns:
            What was printed, log and all.
        """
        return "".join(self._do(block) for block in blocks if block.language not in NOT_TYPED)

    def _do(self, block: Block) -> str:
        if block.name:
            text = self.here(block.text)
            (self.folder / block.name).write_text(text, encoding="utf-8")
            return ""
        return self.type(*self.script(block))

    def script(self, block: Block) -> list[str]:
        """A command that runs the commands of a block."""
        commands = _COMMANDS[block.language](self.here(block.text))
        self._script.write_text(commands, encoding="utf-8")
        return ["sh", "-e", str(self._script)]

    def here(self, text: str) -> str:
        """A text of the documentation as it has to be in this place."""
        for written, instead in self._stand_ins.items():
            text = text.replace(written, str(instead))
        return text

    def type(self, *command: str, code: int = 0) -> str:
        """Run a command that has to end with this exit code, and return what it printed."""
        process = self.start(*command)
        printed, _ = processes.finish(process)
        assert process.returncode == code, printed
        return printed

    def state(self, pipeline: str) -> dict[str, Any]:
        """What Meltano keeps for the next run of a pipeline."""
        printed = self.type("meltano", "state", "get", pipeline)
        [answer] = [line for line in printed.splitlines() if line.startswith("{")]
        return json.loads(answer)["singer_state"]  # type: ignore[no-any-return]

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; stdout and stderr are one pipe."""
        return processes.start(command, self.environment, self.folder)


def variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """The tap's settings as environment variables."""
    return {
        f"TAP_TIKTOK_FOLLOWING_{name.upper()}": (
            value if isinstance(value, str) else json.dumps(value)
        )
        for name, value in settings.items()
    }


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in environment().items()
        if not name.startswith(_NOT_A_READERS)
    }


def _of_crontab(text: str) -> str:
    """The commands of the entries; the other lines set variables."""
    entries = [line for line in text.splitlines() if not re.match(r"\w+=", line)]
    return "".join(line.split(maxsplit=5)[5] + "\n" for line in entries)


def _of_console(text: str) -> str:
    """What stands after a prompt; the rest is output."""
    return "".join(f"{line}\n" for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE))


_COMMANDS: dict[str, Callable[[str], str]] = {
    "sh": str,
    "console": _of_console,
    "crontab": _of_crontab,
}
"""By language, what of a block is to be typed."""
