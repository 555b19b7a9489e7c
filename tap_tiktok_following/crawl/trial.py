"""The check behind `--test`: whether a provider accepts the credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from tap_tiktok_following.errors import FAILURE, SUCCESS
from tap_tiktok_following.outcomes import SKIPPED, Outcome
from tap_tiktok_following.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_tiktok_following.crawl.run import Run
    from tap_tiktok_following.errors import StreamEnded
    from tap_tiktok_following.model import Event

MOST_TRIED = 10
"""Maximum number of usernames that are tried."""


@dataclass(frozen=True)
class Trial:
    """The result of reading the first page of one list.

    Attributes:
        sentence: What was found, to be shown to the user.
        exit_code: 0 if the credentials are accepted; None if the next username is to be tried.
        records: The records of the page.
    """

    sentence: str
    exit_code: int | None
    records: list[dict[str, Any]] = field(default_factory=list)


def trials(run: Run) -> Iterator[Trial]:
    """Read the first page of one list after another until one settles the question.

    A private or unknown account means that the credentials are good, but may also be the sign
    of a wrong list of usernames, so it is reported and the next one is tried.
    """
    skipped = 0
    for event in islice(run.first_pages(), MOST_TRIED):
        trial = _trial(run, event)
        yield trial
        if trial.exit_code is not None:
            return
        skipped += 1
    if run.halt is not None:
        yield _halted(run.halt)
    elif skipped:
        tried = "the username tried has" if skipped == 1 else f"all {skipped} usernames have"
        yield Trial(f"the credentials are accepted, but {tried} no list to read", SUCCESS)
    else:
        yield Trial("there is no username to test the credentials with", FAILURE)


def _trial(run: Run, event: Event) -> Trial:
    username = event.visit.username
    if run.halt is not None:
        return _halted(run.halt)
    if event.outcome is Outcome.FAILED:
        return Trial(f"could not read the list of {username}: {event.reason}", FAILURE)
    if event.outcome in SKIPPED:
        outcome = event.outcome.value.replace("_", " ")
        return Trial(f"skipped {username}: {outcome} ({event.reason})", None)
    accounts = many(event.read, "account")
    sentence = f"the credentials are accepted: read {accounts} on the first page of {username}"
    return Trial(sentence, SUCCESS, event.records)


def _halted(halt: StreamEnded) -> Trial:
    return Trial(halt.sentence, halt.exit_code or FAILURE)
