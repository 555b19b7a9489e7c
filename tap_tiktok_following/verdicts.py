"""The verdicts on a failed request, and reading a provider's table of them.

What a provider answers is data: each provider lists `Rule` rows, `judge` reads them from
the top, and the `Verdict` it finds says what the answer means and what follows.

    Verdict                        what follows
    ├── PASSING                    RETRY: this worker waits and asks again
    ├── RATE_LIMITED               PAUSE: every worker of the provider waits, then asks again
    ├── TOKEN_REJECTED             RENEW: a new access token, then once more
    ├── PRIVATE, HIDDEN,
    │   NOT_FOUND, UNAVAILABLE     SKIP: this username has no list to give
    ├── FAILED                     FAIL: this username failed, the others go on
    └── BAD_CLIENT, BAD_KEY, NOT_SUBSCRIBED, MISSING_SCOPE,
        PROVIDER_DOWN, QUOTA_SPENT, BUDGET_SPENT, TERMINATED
                                   STOP: the provider's stream ends, with an exit code
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_tiktok_following.model import Raw


class Effect(Enum):
    """What follows from a verdict."""

    RETRY = "retried"
    PAUSE = "retried after a pause of all workers"
    RENEW = "retried with a new access token"
    SKIP = "the username is skipped, the others go on"
    FAIL = "the username fails, the others go on"
    STOP = "the provider's stream ends"


class Verdict(Enum):
    """What an answer means, with what a person may do about it.

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
        "nothing: it is tried again, `max_tries` times in all",
    )
    RATE_LIMITED = (
        Effect.PAUSE,
        "the provider asks to slow down",
        "nothing, or lower `research_requests_per_second` or `rapidapi_requests_per_second`",
    )
    TOKEN_REJECTED = (
        Effect.RENEW,
        "the Research API no longer accepts its access token",
        "nothing: a new one is fetched, once",
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
        "the provider knows no such account",
        "check the spelling, or whether the account was renamed or deleted",
    )
    UNAVAILABLE = (
        Effect.SKIP,
        "the provider may not return this account's list",
        "nothing, or set `retry_unavailable_after_days` to ask less often",
    )
    FAILED = (
        Effect.FAIL,
        "a username could not be read",
        (
            "run again: it goes on from the last page read; or set `on_username_failure` to "
            "`continue`"
        ),
    )
    BAD_CLIENT = (
        Effect.STOP,
        "the Research API does not accept the credentials",
        (
            "check `research_client_key` and `research_client_secret`, or get a new "
            "`research_access_token`"
        ),
    )
    BAD_KEY = (
        Effect.STOP,
        "RapidAPI does not accept the key",
        "check `rapidapi_key`",
    )
    NOT_SUBSCRIBED = (
        Effect.STOP,
        "the RapidAPI key is not subscribed to this API",
        "subscribe to a plan of the API on RapidAPI with the account that owns `rapidapi_key`",
    )
    MISSING_SCOPE = (
        Effect.STOP,
        "the Research API client lacks the scope `research.data.basic`",
        "apply for access to the Research API for this client at TikTok for Developers",
    )
    PROVIDER_DOWN = (
        Effect.STOP,
        "10 usernames in a row failed and nothing succeeded",
        "run again later: every username goes on from its last page read",
    )
    QUOTA_SPENT = (
        Effect.STOP,
        "the quota is spent, or the provider asks to wait for more than 5 minutes",
        (
            "run again after it resets: what is left is read first; `on_quota_exhausted` "
            "set to `stop` makes this exit code 0"
        ),
    )
    BUDGET_SPENT = (
        Effect.STOP,
        "`research_max_requests` or `rapidapi_max_requests` is reached",
        "run again: what is left is read first",
    )
    TERMINATED = (
        Effect.STOP,
        "the run was told to stop by SIGTERM, SIGINT or SIGHUP",
        "run again: every username goes on from its last page read",
    )

    def __init__(self, effect: Effect, happened: str, advice: str) -> None:
        self.effect = effect
        self.happened = happened
        self.advice = advice


@dataclass(frozen=True)
class Rule:
    """One row of a provider's table: which answers get which verdict.

    Attributes:
        verdict: What it means when everything else in the row fits.
        status: The HTTP statuses it is about; empty for any.
        code: A pattern for the whole of the provider's error code; None for any.
        words: A pattern to be found in the provider's message, in any case; None for any.
    """

    verdict: Verdict
    status: frozenset[int] = frozenset()
    code: str | None = None
    words: str | None = None

    def fits(self, status: int, code: str, words: str) -> bool:
        """Whether an answer is one that this row is about."""
        return (
            (not self.status or status in self.status)
            and (self.code is None or re.fullmatch(self.code, code) is not None)
            and (self.words is None or re.search(self.words, words, re.IGNORECASE) is not None)
        )


COMMON_RULES = (
    Rule(Verdict.PASSING, status=frozenset({408, *range(500, 600)})),
    Rule(Verdict.RATE_LIMITED, status=frozenset({429})),
    Rule(Verdict.PASSING, status=frozenset(range(200, 300)), code=""),
)
"""What an HTTP status means with every provider, read after the provider's own rows.

A success that nothing can be read from (an empty body, a page of HTML) is passing.
"""


def judge(rules: Iterable[Rule], status: int, code: str, words: str) -> Verdict:
    """The verdict of the first row that fits; `Verdict.FAILED` where none does."""
    for rule in (*rules, *COMMON_RULES):
        if rule.fits(status, code, words):
            return rule.verdict
    return Verdict.FAILED


class Refused(Exception):  # noqa: N818 - an answer, not a fault of ours
    """A request that brought no page.

    Attributes:
        verdict: What that means.
        reason: The provider's words, or ours, for a person.
        reference: The provider's own number for the answer (`log_id 2024...`), or "".
        retry_after: Seconds that the provider asks to wait; None where it says nothing.
        answered_at: The provider's clock when it answered, in Unix seconds; None if unknown.
        as_of: When the request was sent, as in `Answer`; None if no answer came.
        came_at: When the answer came, as in `Answer`; None if none came.
        raw: The answer as it came; None if none came.
    """

    def __init__(
        self,
        verdict: Verdict,
        reason: str,
        *,
        reference: str = "",
        retry_after: float | None = None,
        answered_at: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason
        self.reference = reference
        self.retry_after = retry_after
        self.answered_at = answered_at
        self.as_of: int | None = None
        self.came_at: int | None = None
        self.raw: Raw | None = None
