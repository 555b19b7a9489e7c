"""Reading the documentation: its fenced blocks, links and headings, and which tests run it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
DOCUMENTS = (
    *GUIDE,
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "examples" / "airflow" / "README.md",
    ROOT / "sandbox" / "README.md",
)

_BLOCK = r"^( *)```(\w*)\n(.*?)^\1```$"
_PART = re.compile(rf"{_BLOCK}|^#+ ([^\n]+)$", re.DOTALL | re.MULTILINE)
_SAVED_AS = re.compile(r"`([\w.]+)`[:,]\s*\Z")
_LINK = re.compile(r"\]\(([^)\s]+)\)")

_run: set[tuple[Path, str]] = set()


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        path: The document.
        heading: The heading it stands under.
        language: The language it is marked with; "" for none.
        text: What it holds.
        name: The file that the words before it tell to save it as; "" for none.
    """

    path: Path
    heading: str
    language: str
    text: str
    name: str


Section: TypeAlias = tuple[Block, ...]
"""The blocks under one heading."""


def blocks(*languages: str) -> Iterator[Block]:
    """The blocks in these languages, or in all, in the order a reader meets them."""
    for path in DOCUMENTS:
        text, heading = path.read_text(encoding="utf-8"), ""
        for part in _PART.finditer(text):
            _, language, body, title = part.groups()
            if title is not None:
                heading = title
            elif not languages or language in languages:
                saved_as = _SAVED_AS.search(text[: part.start()])
                name = saved_as[1] if saved_as else ""
                yield Block(path, heading, language, dedent(body), name)


def section_of(document: str, heading: str) -> Section:
    """The blocks under a heading.

    Raises:
        LookupError: If there is none.
    """
    path = ROOT / document
    found = tuple(b for b in blocks() if (b.path, b.heading) == (path, heading))
    if not found:
        message = f"{document} has no block under {heading!r}"
        raise LookupError(message)
    return found


def runs(document: str, heading: str, name: str = "section") -> pytest.MarkDecorator:
    """Mark a test that runs every block under a heading; it gets them as an argument.

    Raises:
        LookupError: If there is no block under such a heading.
    """
    found = section_of(document, heading)
    _run.add((ROOT / document, heading))
    return pytest.mark.parametrize(name, [found], ids=[heading])


def is_run(block: Block) -> bool:
    """Whether a test that has been imported says that it runs this block."""
    return (block.path, block.heading) in _run


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    text = path.read_text(encoding="utf-8")
    return re.sub(_BLOCK, "", text, flags=re.DOTALL | re.MULTILINE)


def links(path: Path) -> list[str]:
    """Where the links of a document lead."""
    return _LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    }
