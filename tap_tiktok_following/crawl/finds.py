"""What a scan meets for the first time on a page, and when those accounts were followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_tiktok_following.hashes import hash_account, split_hashes
from tap_tiktok_following.text import in_utc

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Finds:
    """The accounts of a page that the scan has not read before.

    All of them were followed between `lower` and `upper`, Unix seconds, both inclusive.

    Attributes:
        rows: The provider's fields of each, newest follow first.
        places: The index of each on the page, from 0.
        listed: Hashes of all accounts on the page, including those read before.
        lower: The cursor of the next page; 0 if there is none or it is unusable.
        upper: The cursor of the page; for the first page, the provider's clock.
    """

    rows: list[dict[str, Any]]
    places: list[int]
    listed: list[bytes]
    lower: int
    upper: int

    @property
    def hashes(self) -> list[bytes]:
        """Hashes of the accounts that were not read before."""
        return [self.listed[place] for place in self.places]


class Seen:
    """The accounts that a scan has read so far.

    Args:
        key: The field that identifies an account.
        boundary: Concatenated hashes of the accounts on the last page of an earlier run.
    """

    def __init__(self, key: str, boundary: bytes) -> None:
        self._key = key
        self._keys: set[str] = set()
        self._boundary = frozenset(split_hashes(boundary))

    def meet(self, rows: Sequence[dict[str, Any]], lower: int, upper: int) -> Finds:
        """Find the new accounts on a page, and remember them.

        Args:
            rows: The accounts.
            lower: As in `Finds`.
            upper: As in `Finds`.
        """
        finds = Finds([], [], [], lower, upper)
        for place, row in enumerate(rows):
            key = row[self._key]
            account = hash_account(key)
            finds.listed.append(account)
            if key not in self._keys and account not in self._boundary:
                finds.rows.append(row)
                finds.places.append(place)
            self._keys.add(key)
        return finds


def records_of(
    finds: Finds, sent: Sequence[bool], observed: dict[str, Any], first_position: int | None
) -> list[dict[str, Any]]:
    """The records of a page.

    Args:
        finds: The accounts of the page.
        sent: Which of them to send.
        observed: The fields that all records of the scan start with.
        first_position: The position of the first one in the list; None if not known.
    """
    window = {
        "followed_at_earliest": in_utc(finds.lower) if finds.lower else None,
        "followed_at_latest": in_utc(finds.upper),
    }
    return [
        {
            **observed,
            "position": None if first_position is None else first_position + number,
            **window,
            **row,
        }
        for number, (row, is_sent) in enumerate(zip(finds.rows, sent, strict=True))
        if is_sent
    ]
