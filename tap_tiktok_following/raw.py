"""An answer as it came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Raw:
    """The status and body of an answer, from which it can be parsed again.

    Attributes:
        status: The HTTP status.
        body: The whole body, decompressed.
    """

    status: int
    body: bytes
