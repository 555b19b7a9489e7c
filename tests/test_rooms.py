"""The files and folders directly in the package: imports between them go one way."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from tests.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "tap_tiktok_following"

ONE = {"tap": "streams"}
"""Streams know their tap."""


def imports(tree: ast.AST) -> Iterator[str]:
    """Return the rooms that a module imports from, also those imported for types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.partition(".")
            if package == PACKAGE:
                names = [module.split(".")[0]] if module else [a.name for a in node.names]
                yield from (ONE.get(name, name) for name in names)


def test_imports_go_one_way() -> None:
    rooms: dict[str, set[str]] = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        name = path.relative_to(ROOT / PACKAGE).with_suffix("").parts[0]
        room = ONE.get(name, name)
        imported = imports(ast.parse(path.read_text(encoding="utf-8")))
        rooms.setdefault(room, set()).update(set(imported) - {room})
    TopologicalSorter(rooms).prepare()  # raises an error that names the cycle, if there is one
