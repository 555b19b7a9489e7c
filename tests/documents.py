"""Reading the documentation: its code blocks, links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples" / "airflow" / "README.md",
    ROOT / "sandbox" / "README.md",
)

_BLOCK = r"^( *)```(\w*)\n(.*?)^\1```$"
_PART = re.compile(rf"{_BLOCK}|^#+ ([^\n]+)$", re.DOTALL | re.MULTILINE)
_SAVED_AS = re.compile(r"`([\w.]+)`[:,]\s*\Z")


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    path: Path  # of the document
    heading: str  # above it
    language: str  # "" for none
    text: str
    name: str  # of the file that the words before it say to save it as; "" for none


def blocks(*languages: str) -> Iterator[Block]:
    """Return the blocks in these languages, or in all, in reading order."""
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


def section_of(document: str, heading: str) -> tuple[Block, ...]:
    """Return the blocks under a heading, which has some."""
    place = (ROOT / document, heading)
    found = tuple(block for block in blocks() if (block.path, block.heading) == place)
    assert found, place
    return found


def prose(path: Path) -> str:
    """Return a document without its code blocks."""
    text = path.read_text(encoding="utf-8")
    return re.sub(_BLOCK, "", text, flags=re.DOTALL | re.MULTILINE)


def links(path: Path) -> list[str]:
    """Return the targets of the links of a document."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(path))


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    }
