"""What goes wrong, and when: the faults, limits and delays of a sandbox."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from sandbox import faults

if TYPE_CHECKING:
    from pathlib import Path

Provider = Literal["research", "rapidapi", "token"]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that goes wrong with some responses.

    Attributes:
        kind: What goes wrong; the sandbox's README describes each kind.
        provider: Whose responses it affects; None for both providers, but not for tokens.
        username: Whose list it affects; None for every list.
        page: Which page of a list it affects, from 1; None for every page.
        after: Number of matching responses that it leaves alone first.
        times: Number of responses that it affects; None for no limit.
        probability: Share of the remaining responses that it affects, 0 to 1. The draw depends
            on the seed, the provider, the username and the number of matching responses for
            that username, but not on the order of requests for different usernames.
        seed: Seed of the draw.
        value: How it affects them, where the kind has a choice.
        matched: Number of matching responses so far, by provider and username.
        used: Number of responses affected so far.

    Raises:
        ValueError: If there is no such kind.
    """

    kind: str
    provider: Provider | None = None
    username: str | None = None
    page: int | None = None
    after: int = 0
    times: int | None = None
    probability: float = 1
    seed: int = 1
    value: Any = None
    matched: dict[str, int] = {}
    used: int = 0

    def __post_init__(self) -> None:
        if self.kind not in faults.KINDS:
            message = f"no such fault: {self.kind}"
            raise ValueError(message)

    def hits(self, provider: Provider, username: str | None, page: int | None) -> bool:
        """Count a response, and return whether to affect it.

        Args:
            provider: The provider of the response.
            username: The username of the list; None for a token.
            page: The number of the page, from 1; None for a token.
        """
        if not (
            (provider == self.provider or (self.provider is None and provider != "token"))
            and self.username in {None, username}
            and self.page in {None, page}
        ):
            return False
        place = f"{provider}/{username}"
        self.matched[place] = nth = self.matched.get(place, 0) + 1
        draw = Random(f"{self.seed}/{place}/{nth}").random()  # noqa: S311 - repeatable
        hit = (
            sum(self.matched.values()) > self.after
            and (self.times is None or self.used < self.times)
            and draw < self.probability
        )
        self.used += hit
        return hit


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How the sandbox behaves. Tests change it between runs.

    Attributes:
        latency: Seconds that every response to a valid request for a list takes.
        boundary: The next cursor: `repeat` is the time of the last account on the page, which
            is then listed again; `skip` is the time of the first account of the next page.
        page_cap: Maximum number of accounts on a page, whatever was requested.
        list_cap: Only this number of newest accounts is served, as the Research API does near
            5,000.
        quota: Requests that each provider accepts per day (UTC) of the sandbox's clock,
            including those of that day before it was set.
        rate: Requests that each provider accepts in any one second of the real clock.
        retry_after: The `Retry-After` header of responses to requests over the rate.
        token_life: Seconds by the sandbox's clock for which an access token is valid.
        following_total: Whether RapidAPI pages have a `total`.
        cached: Unix seconds: RapidAPI pages come from a cache filled at this time.
        faults: What goes wrong; if several faults hit a response, the first one is used.
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
            msgspec.MsgspecError: If it is not a scenario.
        """
        return msgspec.json.decode(path.read_bytes(), type=cls)
