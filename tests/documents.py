"""Reading the README and docs/: their fenced blocks, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        path: The document.
        heading: The heading it stands under.
        language: The language it is marked with; "" for none.
        text: What it holds.
    """

    path: Path
    heading: str
    language: str
    text: str


def blocks(*languages: str) -> Iterator[Block]:
    """The fenced blocks in these languages, in the order a reader meets them."""
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            if match[2] in languages:
                above = _HEADING.findall(text[: match.start()])
                yield Block(path, above[-1], match[2], dedent(match[3]))


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return _BLOCK.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> list[str]:
    """Where the links of a document lead."""
    return _LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose(path))
    }
