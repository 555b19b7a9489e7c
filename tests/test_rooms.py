"""Imports between the files and folders directly in the package go one way."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "tap_tiktok_following"


def imported(path: Path) -> set[str]:
    """Return what a file imports from the package, also for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, *modules = node.module.split(".")
            if package == PACKAGE.name:
                found.update(modules[:1] or [name.name for name in node.names])
    return found


def test_imports_go_one_way() -> None:
    """The order of two that import each other does not exist; but streams know their tap."""
    rooms: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        rooms.setdefault(room, set()).update(imported(path) - {room})
    rooms["streams"].remove("tap")
    TopologicalSorter(rooms).prepare()  # raises an error that names the cycle, if there is one
