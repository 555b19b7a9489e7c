"""Commands with a small disk of their own: a file system that is really full."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness import Run, environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOT_MOUNTED = 125

_SCRIPT = f"""
mount -t tmpfs -o size="$1" tmpfs "$2" || exit {NOT_MOUNTED}
cp -p "$3"/* "$2"
if [ "$4" ]; then cat /dev/zero >"$2/filler"; fi 2>&-
disk=$2 outside=$3
shift 4
"$@"
code=$?
rm -f "$disk/filler"
cp -p "$disk"/* "$outside"
exit $code
"""


class Disk:
    """A disk that is there only while a command runs.

    Attributes:
        path: Where the command finds it.
        outside: A folder with the same files, which are copied to and fro.

    Args:
        folder: Where to make both.
        room: How much fits, as mount's `size`.
    """

    def __init__(self, folder: Path, room: str) -> None:
        self.path, self.outside = folder / "disk", folder / "outside"
        for made in (self.path, self.outside):
            made.mkdir()
        self._room = room

    def run(self, command: Sequence[str], *, is_full: bool = False) -> Run:
        """Run a command; skip the test where nobody may mount a file system.

        Args:
            command: The command.
            is_full: Whether the room that is left is filled before.
        """
        if sys.platform != "linux":
            pytest.skip("namespaces are Linux's")
        where = [self._room, str(self.path), str(self.outside), "yes" if is_full else ""]
        namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", _SCRIPT, "-"]
        ended = subprocess.run(
            [*namespace, *where, *command],
            env=environment(),
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        if ended.returncode == NOT_MOUNTED or ended.stderr.startswith("unshare:"):
            pytest.skip(f"no file system can be mounted here: {ended.stderr}")
        return Run(ended.returncode, ended.stdout, ended.stderr)
