"""What is wrong with a file of usernames, and how large it may be."""

from __future__ import annotations

MAX_FILE = 64 * 1024 * 1024
"""Largest file of usernames in bytes."""


class FileProblem(Exception):  # noqa: N818 - its text is for the user
    """A file of usernames can't be used; the text says why, to be put after its name."""
