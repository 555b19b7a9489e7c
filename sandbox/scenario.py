"""What goes wrong, and when: the faults, limits and delays of a sandbox."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sandbox.faults import FAULTS

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
        value: How it affects them, where the kind has a choice.
        matched: Number of matching responses so far.
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
    value: Any = None
    matched: int = 0
    used: int = 0

    def __post_init__(self) -> None:
        if self.kind not in FAULTS:
            message = f"no such fault: {self.kind}"
            raise ValueError(message)

    def hits(self, provider: Provider, username: str | None, page: int | None) -> bool:
        """Count a response, and return whether to affect it. A token has no page."""
        if not (
            (provider == self.provider or (self.provider is None and provider != "token"))
            and self.username in {None, username}
            and self.page in {None, page}
        ):
            return False
        self.matched += 1
        hit = self.matched > self.after and (self.times is None or self.used < self.times)
        self.used += hit
        return hit


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How the sandbox behaves. Tests change it between runs.

    Attributes:
        latency: Seconds that every response to a valid request for a list takes.
        boundary: The next cursor: `repeat` is the time of the last account on the page, which
            is then listed again; `skip` is the time of the first account of the next page.
        page_cap: Maximum number of accounts on a page, whatever was requested.
        quota: Requests that each provider accepts per day (UTC) of the sandbox's clock,
            including those of that day before it was set.
        cached: Unix seconds: RapidAPI pages come from a cache filled at this time.
        faults: What goes wrong; if several faults hit a response, the first one is used.
    """

    latency: float = 0.0
    boundary: Literal["repeat", "skip"] = "repeat"
    page_cap: int | None = None
    quota: int | None = None
    cached: int | None = None
    faults: list[Fault] = []

    def fault(
        self,
        provider: Provider,
        username: str | None = None,
        page: int | None = None,
        *,
        is_page: bool = False,
    ) -> Fault | None:
        """Return the fault of a response, if any; only pages have faults of pages."""
        for fault in self.faults:
            if FAULTS[fault.kind].page is not None and not is_page:
                continue
            if fault.hits(provider, username, page):
                return fault
        return None
