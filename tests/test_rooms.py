"""The folders of the package: imports between them go one way."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tests.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "tap_tiktok_following"

ORDER = (
    ("__main__",),
    ("tap", "streams"),
    *((room,) for room in ("crawl", "state", "client", "config", "providers")),
    ("http", "decoding"),
    ("outputs", "signals", "writer"),
    ("errors",),
    ("model",),
)
"""From the top down; every other module is a small one, below all of these."""


def level(room: str) -> int:
    return next((n for n, rooms in enumerate(ORDER) if room in rooms), len(ORDER))


def imports(tree: ast.AST) -> Iterator[str]:
    """The rooms that a module imports from, for its types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, _, module = node.module.partition(".")
            if package == PACKAGE:
                yield from [module.split(".")[0]] if module else [a.name for a in node.names]


def test_imports_go_downwards() -> None:
    folder = ROOT / PACKAGE
    upwards = [
        f"{path.relative_to(folder)} imports {imported}"
        for path in sorted(folder.rglob("*.py"))
        for room in [path.relative_to(folder).with_suffix("").parts[0]]
        for imported in imports(ast.parse(path.read_text(encoding="utf-8")))
        if level(imported) < level(room)
    ]
    assert not upwards
