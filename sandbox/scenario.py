"""What goes wrong, and when: the faults, quotas and delays of a sandbox."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

Provider = Literal["research", "rapidapi", "token"]

Value: TypeAlias = Any
"""A fault's value: whatever JSON its kind asks for."""

FaultKind = Literal[
    # Another answer instead of the page.
    "status",
    "error",
    "html_200",
    "redirect",
    "retry_after",
    "token_revoked",
    "hidden_list",
    "empty_body",
    "no_content",
    # A page with another paging.
    "has_more_missing",
    "cursor_missing",
    "cursor_null",
    "cursor_zero",
    "cursor_forward",
    "cursor_still",
    "cursor_cycle",
    "cursor_string",
    "cursor_float",
    "cursor_ms",
    "total",
    # A provider that blinks.
    "empty_page",
    "empty_list",
    "early_end",
    "list_null",
    "stale_total",
    # A page with other contents.
    "data_null",
    "error_in_200",
    "key_missing",
    "wrong_type",
    "extra_field",
    "missing_field",
    "surrogate",
    "nul",
    # The right answer in unreadable bytes.
    "truncated",
    "nan",
    "big_int",
    "deep",
    "bom",
    "duplicate_keys",
    "array",
    "huge",
    "gzip_bomb",
    "bad_gzip",
    # The right answer, badly sent.
    "reset",
    "short_body",
    "silent",
    "drip",
    "closed_after",
]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that goes wrong with some answers.

    Attributes:
        kind: What goes wrong; the sandbox's README has a line for each kind.
        provider: Which one's answers it spoils; None for both providers, tokens apart.
        username: Whose list it spoils; None for everyone's.
        page: Which page of a list it spoils, from 1: a page asked for again keeps its
            number, and a request without a cursor begins the count anew. None for all.
        after: How many answers that it could spoil are left alone first.
        times: How many answers it spoils before it is over; None for no end.
        probability: How likely it is to spoil an answer. It depends on the seed, the username
            and how many requests were made for it, not on the order of requests for others.
        seed: Another seed spoils other answers.
        value: What it spoils them with, where the kind has a choice.
        met: How many answers it could have spoiled so far.
        spoiled: How many answers it has spoiled so far.
    """

    kind: FaultKind
    provider: Provider | None = None
    username: str | None = None
    page: int | None = None
    after: int = 0
    times: int | None = None
    probability: float = 1.0
    seed: int = 1
    value: Value = None
    met: int = 0
    spoiled: int = 0

    def hits(
        self, provider: Provider, username: str | None, page: int | None, request: int
    ) -> bool:
        """Count this answer, and return whether to spoil it.

        Args:
            provider: Whose answer it is.
            username: Whose list it is about; None for a token.
            page: Which page of the list it is; None for a token.
            request: How many requests were made for this username, this one included.
        """
        fits = (
            (provider == self.provider or (self.provider is None and provider != "token"))
            and self.username in {None, username}
            and self.page in {None, page}
        )
        self.met += fits
        return (
            fits
            and self.met > self.after
            and (self.times is None or self.spoiled < self.times)
            and self._draw(provider, username, request) < self.probability
        )

    def _draw(self, provider: Provider, username: str | None, request: int) -> float:
        return Random(f"{self.seed}/{provider}/{username}/{request}").random()  # noqa: S311


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How the sandbox behaves; unless told otherwise, well. Tests change it between runs.

    Attributes:
        latency: Seconds that every answer to a valid request for a list takes.
        boundary: The next cursor: `repeat` is the time of the last account on the page, which
            then comes again; `skip` is the time of the first account of the next page.
        page_cap: The most accounts on a page, whatever was asked for.
        list_cap: How many of its newest accounts a list ends after, as the Research API's do
            near 5,000.
        quota: Requests that each provider answers in a day (UTC) of the sandbox's clock, those
            of that day before it was set included.
        rate: Requests that each provider answers in any one second of the real clock.
        retry_after: The `Retry-After` of the answers over the rate.
        token_life: Seconds by the sandbox's clock for which an access token is good.
        following_total: Whether RapidAPI pages say how long the list is.
        cached: Unix seconds: RapidAPI pages come from a cache filled at this time.
        faults: What goes wrong; of several faults that hit an answer, the first.
    """

    latency: float = 0.0
    boundary: Literal["repeat", "skip"] = "repeat"
    page_cap: int | None = None
    list_cap: int | None = None
    quota: int | None = None
    rate: int | None = None
    retry_after: str | None = None
    token_life: int = 7200
    following_total: bool = True
    cached: int | None = None
    faults: list[Fault] = []

    @classmethod
    def load(cls, path: Path) -> Scenario:
        """Read a scenario from a JSON file with these fields.

        Raises:
            OSError: If the file cannot be read.
            msgspec.MsgspecError: If it holds anything but a scenario.
        """
        return msgspec.json.decode(path.read_bytes(), type=cls)
