"""What an answer means: the verdicts, and reading a provider's table of them.

Each provider lists `Rule` rows. `judge` reads them from the top, and the first row that
matches says what the answer means and what follows.

    Verdict                        what follows
    ├── PASSING                    RETRY: this worker waits and asks again
    ├── RATE_LIMITED               PAUSE: every worker of the provider waits, then asks again
    ├── TOKEN_REJECTED             RENEW: a new access token, then once more
    ├── PRIVATE, HIDDEN,
    │   NOT_FOUND, UNAVAILABLE     SKIP: this username has no list to give
    ├── FAILED                     FAIL: this username failed, the others continue
    └── BAD_CREDENTIALS, PROVIDER_DOWN, QUOTA_SPENT, LONG_WAIT,
        BUDGET_SPENT, TERMINATED   STOP: the provider's stream ends, with an exit code
"""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_tiktok_following.raw import Raw


class Effect(Enum):
    """What follows from a verdict."""

    RETRY = "retried"
    PAUSE = "retried after a pause of all workers"
    RENEW = "retried with a new access token"
    SKIP = "the username is skipped, the others continue"
    FAIL = "the username fails, the others continue"
    STOP = "the provider's stream ends"


class Verdict(Enum):
    """What an answer means, with what a person can do about it.

    Attributes:
        effect: What follows.
        happened: What happened, for a person.
        advice: What to do about it, for a person.
    """

    effect: Effect
    happened: str
    advice: str

    PASSING = (
        Effect.RETRY,
        "a timeout, a dropped connection, an unreadable answer or a server error",
        "nothing; it is tried again, `max_tries` times in all",
    )
    RATE_LIMITED = (
        Effect.PAUSE,
        "the provider asks to slow down",
        "nothing, or lower the provider's `..._requests_per_second`",
    )
    TOKEN_REJECTED = (
        Effect.RENEW,
        "the provider no longer accepts its access token",
        "nothing; a new one is fetched, once",
    )
    PRIVATE = (
        Effect.SKIP,
        "the account is private",
        "nothing, or set `retry_unavailable_after_days` to ask less often",
    )
    HIDDEN = (
        Effect.SKIP,
        "the account hides its following list",
        "nothing, or set `retry_unavailable_after_days` to ask less often",
    )
    NOT_FOUND = (
        Effect.SKIP,
        "the provider does not know this account",
        "check the spelling, or whether the account was renamed or deleted",
    )
    UNAVAILABLE = (
        Effect.SKIP,
        "the provider cannot return this account's list",
        "nothing, or set `retry_unavailable_after_days` to ask less often",
    )
    FAILED = (
        Effect.FAIL,
        "a username could not be read",
        (
            "run again to continue from the last page read, or set `on_username_failure` "
            "to `continue`"
        ),
    )
    BAD_CREDENTIALS = (
        Effect.STOP,
        "the provider does not accept the credentials",
        "check them",
    )
    PROVIDER_DOWN = (
        Effect.STOP,
        (
            "10 usernames in a row failed and nothing succeeded, or a server error asks to "
            "wait for more than 5 minutes"
        ),
        "run again later; every list continues from the last page read",
    )
    QUOTA_SPENT = (
        Effect.STOP,
        "the quota is used up",
        (
            "run again after it resets; unfinished lists are read first, and "
            "`on_quota_exhausted` set to `stop` makes this exit code 0"
        ),
    )
    LONG_WAIT = (
        Effect.STOP,
        "the provider asks to slow down and to wait for more than 5 minutes",
        (
            "run again then; unfinished lists are read first, and `on_quota_exhausted` set to "
            "`stop` makes this exit code 0"
        ),
    )
    BUDGET_SPENT = (
        Effect.STOP,
        "the provider's `..._max_requests` is reached",
        "run again; unfinished lists are read first",
    )
    TERMINATED = (
        Effect.STOP,
        "the run was told to stop by SIGTERM, SIGINT or SIGHUP",
        "run again; every list continues from the last page read",
    )

    def __init__(self, effect: Effect, happened: str, advice: str) -> None:
        self.effect = effect
        self.happened = happened
        self.advice = advice


NO_MORE_FOR_NOW = frozenset({Verdict.QUOTA_SPENT, Verdict.LONG_WAIT})
"""What `on_quota_exhausted` is about."""


@dataclass(frozen=True)
class Rule:
    """One row of a provider's table: which answers get which verdict.

    Attributes:
        verdict: What it means when everything else in the row fits.
        status: The HTTP statuses it is about; empty for any.
        code: A pattern for the whole of the provider's error code; None for any.
        words: A pattern to be found in the provider's message; None for any.
        happened: What happened, to be shown to the user; "" for the verdict's own text.
        advice: What the user can do; "" for the verdict's own text.

    Both patterns ignore case.
    """

    verdict: Verdict
    _: KW_ONLY
    status: frozenset[int] = frozenset()
    code: str | None = None
    words: str | None = None
    happened: str = ""
    advice: str = ""

    def fits(self, status: int, code: str, words: str) -> bool:
        """Whether an answer is one that this row is about."""
        return (
            (not self.status or status in self.status)
            and (self.code is None or re.fullmatch(self.code, code, re.IGNORECASE) is not None)
            and (self.words is None or re.search(self.words, words, re.IGNORECASE) is not None)
        )


UNNAMED = "error"
"""The code of an API's error that has none."""

ANY_CODE = ".+"
"""Any error of the API itself; a gateway or proxy in front of it sends no code."""

NAMED = rf"(?!{UNNAMED}$)[a-z]\w+"
"""An error code as both APIs write them; a number comes from another server."""

_USER = "(user(name)?|account|profile|creator)"

ERRORS = (
    Rule(Verdict.RATE_LIMITED, status=frozenset({429})),
    Rule(Verdict.PASSING, code=r"(\w+_)?time_?out|internal(_server)?_error"),
    Rule(Verdict.PASSING, code=ANY_CODE, words=r"\btry(ing)? again\b"),
    Rule(
        Verdict.PRIVATE,
        code=ANY_CODE,
        words=rf"\bis (set to )?private\b|\bprivate {_USER}\b",
    ),
    Rule(
        Verdict.HIDDEN, code=ANY_CODE, words=r"\bhid(es|ing|den)\b.*\bfollow|follow.* hidden"
    ),
    Rule(
        Verdict.NOT_FOUND,
        code=ANY_CODE,
        words=(
            rf"(cannot|can't|could not|couldn't) find (the |this |that |any )?{_USER}"
            rf"|\b{_USER}\b.* (not|n't) (be )?(found|exist)|n't exist|no such {_USER}"
        ),
    ),
    Rule(
        Verdict.UNAVAILABLE,
        code=ANY_CODE,
        words="(cannot|can't|could not|couldn't) (be returned|return)",
    ),
)
"""What the message of an API's own error means, for all providers and any status."""

STATUSES = (
    Rule(Verdict.PASSING, status=frozenset({408, *range(500, 600)})),
    Rule(Verdict.RATE_LIMITED, status=frozenset({429})),
    Rule(Verdict.PASSING, status=frozenset(range(200, 300)), code=""),
)
"""What an HTTP status means for all providers, after the provider's own rows.

A successful response that cannot be parsed (an empty body, an HTML page) is retried.
"""


def judge(rules: Iterable[Rule], status: int, code: str, words: str) -> Rule:
    """The first row that fits; one of `Verdict.FAILED` where none does."""
    for rule in (*rules, *STATUSES):
        if rule.fits(status, code, words):
            return rule
    return Rule(Verdict.FAILED)


@dataclass(eq=False)
class Refused(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A request that returned no page.

    Attributes:
        verdict: What that means.
        reason: The provider's message or our own, to be shown to the user.
        reference: The provider's ID of the response (`log_id 2024...`), or "".
        happened: What happened, to be shown to the user; "" for the verdict's own text.
        advice: What the user can do; "" for the verdict's own text.
        retry_after: Seconds that the provider asks to wait; None if it does not say.
        answered_at: The provider's clock when it answered, in Unix seconds; None if unknown.
        as_of: When the request was sent, as in `Answer`; None if no answer came.
        came_at: When the answer came, as in `Answer`; None if none came.
        raw: The answer as it came; None if none came.
    """

    verdict: Verdict
    reason: str
    _: KW_ONLY
    reference: str = ""
    happened: str = ""
    advice: str = ""
    retry_after: float | None = None
    answered_at: int | None = None
    as_of: int | None = None
    came_at: int | None = None
    raw: Raw | None = None

    def __str__(self) -> str:
        return self.reason
