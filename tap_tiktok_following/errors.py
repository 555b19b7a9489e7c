"""Why a request returned no page, and how a run ends: one tree of exceptions.

    NoPage                      what follows
    ├── Transient               the request is retried, `max_tries` times in all
    │   └── SlowDown            the same, after a pause of all workers of the provider
    ├── Skipped                 this username is skipped, the others continue
    ├── Failed                  this username failed, the others continue
    └── StreamEnded             the provider's stream ends
        ├── BadCredentials      exit code 1
        │   └── TokenRejected   the same, unless a new access token helps
        ├── ProviderDown        exit code 1
        ├── QuotaUsedUp         exit code 75, or 0 if `on_quota_exhausted` is `stop`
        ├── BudgetReached       exit code 0
        └── Interrupted         the exit code of the signal

    Ended                       the process ends, with a sentence and an exit code

Each provider has a table of `Rule` rows that say which responses mean which of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import ClassVar, Final

from tap_tiktok_following.model import Outcome, RawResponse

SUCCESS: Final = 0
FAILURE: Final = 1
QUOTA: Final = 75  # EX_TEMPFAIL of sysexits.h: run again later

RUN_AGAIN = "run again; every list continues from the last page read"


class Ended(SystemExit):
    """The process ends; its sentence is the last line for a person.

    Not an `Exception`, because the SDK logs those as unhandled errors.
    """

    def __init__(self, sentence: str, exit_code: int = FAILURE) -> None:
        super().__init__(exit_code)
        self.sentence = sentence
        self.exit_code = exit_code

    @property
    def weight(self) -> int:
        """The greatest one decides the exit code of a run; a signal outweighs all."""
        return {SUCCESS: 0, QUOTA: 1, FAILURE: 2}.get(self.exit_code, 3)


@dataclass(eq=False, repr=False)  # a response contains personal data
class NoPage(Exception):  # noqa: N818 - most of its kinds are no errors
    """A request that returned no page."""

    details: str = ""  # the provider's message or our own
    _: KW_ONLY
    happened: str = ""  # why a stream ended; by default the text of the class
    advice: str = ""  # what the user can do; by default the text of the class
    reference: str = ""  # the provider's ID of the response, such as `log_id 2024...`
    retry_after: float | None = None  # seconds that the provider asks to wait
    response: RawResponse | None = None
    outcome: Outcome = Outcome.FAILED  # of the scan that it ends

    def __post_init__(self) -> None:
        self.happened = self.happened or type(self).happened
        self.advice = self.advice or type(self).advice

    @property
    def reason(self) -> str:
        """What happened, for a person, without a full stop."""
        if not self.happened:
            return self.details
        details = ", ".join(filter(None, (self.details, self.reference)))
        return f"{self.happened} ({details})" if details else self.happened


class Transient(NoPage):
    """A timeout, a lost connection, an unreadable response or a server error."""


class SlowDown(Transient):
    """The rate limit of the provider is exceeded."""


class Skipped(NoPage):
    """The username has no list to read."""


Private = partial(Skipped, outcome=Outcome.PRIVATE)
Hidden = partial(Skipped, outcome=Outcome.HIDDEN)
NotFound = partial(Skipped, outcome=Outcome.NOT_FOUND)
Unavailable = partial(Skipped, outcome=Outcome.UNAVAILABLE)


class Failed(NoPage):
    """The list of one username could not be read."""


@dataclass(eq=False, kw_only=True, repr=False)
class StreamEnded(NoPage):
    """No further request may be sent to the provider in this run."""

    outcome: Outcome = Outcome.INTERRUPTED
    exit_code: ClassVar[int] = FAILURE

    @property
    def sentence(self) -> str:
        """What happened and what to do about it, without a full stop."""
        return f"{self.reason}: {self.advice}"


class BadCredentials(StreamEnded):
    """The provider does not accept the credentials, whatever the username."""


class TokenRejected(BadCredentials):
    """The provider does not accept the access token, which may only be too old."""


class ProviderDown(StreamEnded):
    """Too many usernames in a row failed, or a server error asks for a long wait."""

    advice = "run again later; every list continues from the last page read"


class QuotaUsedUp(StreamEnded):
    """The provider allows no further request for now."""

    exit_code: ClassVar[int] = QUOTA
    happened = "the quota is used up"
    advice = "run again later; unfinished lists are read first"


class BudgetReached(StreamEnded):
    """The provider's `..._max_requests` is reached."""

    exit_code: ClassVar[int] = SUCCESS
    advice = "run again; unfinished lists are read first"


class Interrupted(StreamEnded):
    """The run ends because of a signal, whose exit code outweighs all."""

    advice = RUN_AGAIN


@dataclass(frozen=True)
class Rule:
    """One row of a provider's table: the meaning of some responses. Patterns ignore case."""

    error: Callable[..., NoPage]  # makes the exception if everything else in the row fits
    _: KW_ONLY
    status: Collection[int] = ()  # empty for any
    code: str = ".*"  # pattern for the whole of the provider's error code
    words: str = ""  # pattern to be found in the provider's message

    def fits(self, status: int, code: str, words: str) -> bool:
        """Whether the row is about a response."""
        return (
            (not self.status or status in self.status)
            and re.fullmatch(self.code, code, re.IGNORECASE) is not None
            and re.search(self.words, words, re.IGNORECASE) is not None
        )


UNNAMED = "error"  # the code of an API's error that has none
ANY_CODE = ".+"  # an error of the API itself; a gateway or proxy in front of it sends no code

NAMED = rf"(?!{UNNAMED}$)[a-z]\w+"
"""An error code as both APIs write them; a number comes from another server."""

_USER = "(user(name)?|account|profile|creator)"
_CANNOT = "(cannot|can't|could not|couldn't)"

ERRORS = (
    Rule(SlowDown, status={429}),
    Rule(Transient, code=r"(\w+_)?time_?out|internal(_server)?_error"),
    Rule(Transient, code=ANY_CODE, words=r"\btry(ing)? again\b"),
    Rule(Private, code=ANY_CODE, words=rf"\bis (set to )?private\b|\bprivate {_USER}\b"),
    Rule(Hidden, code=ANY_CODE, words=r"\bhid(es|ing|den)\b.*\bfollow|follow.* hidden"),
    Rule(NotFound, code=ANY_CODE, words=rf"{_CANNOT} find (the |this |that |any )?{_USER}"),
    Rule(NotFound, code=ANY_CODE, words=rf"\b{_USER}\b.* (not|n't) (be )?(found|exist)"),
    Rule(NotFound, code=ANY_CODE, words=rf"n't exist|no such {_USER}"),
    Rule(Unavailable, code=ANY_CODE, words=rf"{_CANNOT} (be returned|return)"),
)
"""The meaning of the message of an API's own error, for all providers and any status."""

STATUSES = (
    Rule(Transient, status={408, *range(500, 600)}),
    Rule(SlowDown, status={429}),
    Rule(Transient, status=range(200, 300), code=""),
)
"""The meaning of an HTTP status for all providers, after the provider's own rows.

A successful response that cannot be parsed (an empty body, an HTML page) is retried.
"""
