"""Fetching a page over real HTTP: what is retried, skipped or fails, and what ends a stream.

Waits take no time here: the clock jumps, and remembers them.
"""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import Clock as SandboxClock
from sandbox import Fault, World
from tap_tiktok_following import providers
from tap_tiktok_following.client import Client, Clock, Gate
from tap_tiktok_following.errors import (
    BadCredentials,
    BudgetReached,
    Failed,
    Interrupted,
    NoPage,
    ProviderDown,
    QuotaUsedUp,
    Skipped,
    StreamEnded,  # noqa: TC001 - as the others
)
from tap_tiktok_following.http import Transport
from tests.harness import (
    NOW,
    PROVIDERS,
    each_provider,
    follows_of,
    pages_asked,
    settings,
    wait_until,
)
from tests.server import Raw, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tap_tiktok_following.model import Response
    from tests.server import Received

FOREVER = 3600
AT_ONCE = 10
"""Seconds: far below `FOREVER`, and enough for a busy machine."""

PAGE = json.dumps(
    {"data": [{"user_id": "1"}], "pagination": {"has_more": False}, "error": None}
).encode()


class JumpingClock(Clock):
    """A clock that jumps instead of waiting.

    Attributes:
        time: Seconds.
        waits: The waits so far, in seconds.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    @override
    def now(self) -> float:
        return self.time

    @override
    def wait(self, changed: threading.Condition, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


class Reader:
    """A client as a run has one, with the default limits unless given."""

    def __init__(self, config: dict[str, Any], provider: str, **limits: Any) -> None:
        kinds = {kind.name: kind for kind in providers.PROVIDERS}
        made = kinds[provider](config)
        self.clock: JumpingClock = limits.get("clock") or JumpingClock()
        self.gate = Gate(
            limits.get("per_second", 1000), limits.get("budget"), "the_budget", self.clock
        )
        transport = Transport(made.url, "the_url", timeout=AT_ONCE, user_agent="a test")
        self.client = Client(made, transport, self.gate, limits.get("max_tries", 5))
        self.requests = 0

    def fetch(self, username: str = "ann", cursor: int | None = None) -> Response:
        return self.client.fetch(username, cursor, 100, self._count)

    def error(self, username: str = "ann") -> NoPage:
        with pytest.raises(NoPage) as caught:
            self.fetch(username)
        return caught.value

    def _count(self) -> None:
        self.requests += 1


def reader(sandbox: Sandbox, provider: str, *faults: Fault, **limits: Any) -> Reader:
    """A client of the sandbox, where ann follows three accounts."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario.faults.extend(faults)
    return Reader(settings(sandbox, ["ann"], provider), provider, **limits)


def rapidapi(server: Server | Raw, **limits: Any) -> Reader:
    config = {"rapidapi_api_url": server.url, "rapidapi_key": "k3y"}
    return Reader(config, "rapidapi", **limits)


def cases(table: dict[str, list[tuple[Any, ...]]]) -> list[Any]:
    return [
        pytest.param(provider, *row, id="-".join(map(str, (provider, *row))))
        for provider, rows in table.items()
        for row in rows
    ]


# What is retried.


TRANSIENT: dict[str, list[tuple[Any, ...]]] = {
    provider: [
        ("status", 500, "HTTP 500"),
        ("status", [502, "html"], "HTTP 502"),
        ("status", [520, "html"], "HTTP 520"),
        ("status", 408, "HTTP 408"),
        ("error", [500, "internal_error", ""], "HTTP 500"),
        ("error", [503, None, "The API is unreachable"], "unreachable"),
        ("error", [200, "timeout", "The request timed out"], "timed out"),
        ("error", [400, "unknown", "Please try again later."], "try again"),
        ("error", [400, "internal_error", "Oops"], "Oops"),
        ("status", [429, "html"], "HTTP 429"),
        ("html_200", None, "could not be read"),
        ("empty_body", None, "could not be read"),
        ("no_content", None, "could not be read"),
        ("truncated", None, "could not be read"),
        ("array", None, "could not be read"),
        ("nan", None, "could not be read"),
        ("deep", None, "could not be read"),
        ("has_more_missing", None, "could not be read"),
        ("bad_gzip", None, "decompressed"),
        ("short_body", None, "was lost"),
        ("reset", None, "was lost"),
        ("reset", "mid_body", "was lost"),
    ]
    for provider in PROVIDERS
}
TRANSIENT["research"] += [
    ("error", [429, "rate_limit_exceeded", "The API rate limit was exceeded."], "limit"),
    ("error", [200, "rate_limit_exceeded", "Slow"], "Slow"),
    ("data_null", None, "could not be read"),
]
TRANSIENT["rapidapi"] += [("error", [429, None, "Too many requests"], "Too many")]


@pytest.mark.parametrize(("provider", "kind", "value", "words"), cases(TRANSIENT))
def test_transient_error_is_retried_and_fails_the_username_after_max_tries(
    sandbox: Sandbox, provider: str, kind: Any, value: Any, words: str
) -> None:
    one = reader(sandbox, provider, Fault(kind, value=value, times=3), max_tries=2)
    error = one.error()
    assert isinstance(error, Failed)
    assert words in error.reason
    assert error.reason.endswith(" after 2 tries")
    assert len(one.fetch().page.accounts.rows) == 3
    assert one.requests == one.gate.requests == len(pages_asked(sandbox, provider, "ann")) == 4


@each_provider
def test_max_tries_counts_all_tries_and_waits_grow(sandbox: Sandbox, provider: str) -> None:
    one = reader(sandbox, provider, Fault("status"), max_tries=9)
    assert one.error().reason.endswith("after 9 tries")
    assert len(pages_asked(sandbox, provider, "ann")) == 9
    assert len(one.clock.waits) == 8
    assert all(wait <= min(2**n, 60) for n, wait in enumerate(one.clock.waits))


@pytest.mark.parametrize("header", ["1", "0", "-5", "soon", "nan", formatdate(NOW - 60)])
def test_announced_wait_never_shortens_the_backoff(sandbox: Sandbox, header: str) -> None:
    one = reader(sandbox, "rapidapi", Fault("retry_after", value=header))
    random.seed(5)
    one.error()
    random.seed(5)
    backoff = [random.uniform(0, 2**n) for n in range(4)]  # noqa: S311 - as `backoff` waits
    at_least = 1.0 if header == "1" else 0.0
    assert one.clock.waits == pytest.approx([max(at_least, wait) for wait in backoff])


@pytest.mark.parametrize("header", ["250", formatdate(NOW + 250, usegmt=True)])
@each_provider
def test_announced_wait_is_kept(sandbox: Sandbox, provider: str, header: str) -> None:
    one = reader(sandbox, provider, Fault("retry_after", value=header, times=1))
    one.fetch()
    assert sum(one.clock.waits) == 250


class HeldClock(JumpingClock):
    """A clock that stands still until the test moves it.

    Attributes:
        waiting: The threads that have begun to wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[int] = set()

    @override
    def wait(self, changed: threading.Condition, seconds: float) -> None:
        self.waiting.add(threading.get_ident())
        changed.wait(0.01)


@pytest.mark.parametrize(("status", "at"), [(429, [0, 30, 30]), (503, [0, 0, 30])])
def test_slow_down_pauses_all_workers_and_a_server_error_only_its_own(
    status: int, at: list[float]
) -> None:
    clock = HeldClock()
    sent: list[float] = []

    def reply(_: Received) -> Reply:
        sent.append(clock.time)
        first = Reply(status, headers={"Retry-After": "30"})
        return first if len(sent) == 1 else Reply(body=PAGE)

    with Server(reply) as server, ThreadPoolExecutor(2) as workers:
        one = rapidapi(server, clock=clock)
        waits = [workers.submit(one.fetch)]
        wait_until(lambda: len(clock.waiting) == 1)
        waits.append(workers.submit(one.fetch))
        wait_until(lambda: len(clock.waiting) == 2 or waits[1].done())
        clock.time = 30
        assert all(wait.result(AT_ONCE) for wait in waits)
    assert sent == at


# What is not retried.


FAILED: dict[str, list[tuple[Any, ...]]] = {
    provider: [
        ("error", [400, "teapot", "No tea"], "No tea"),
        ("error", [404, "404", "Not Found"], "Not Found"),
        ("error", [405, "teapot", "No tea"], "No tea"),
        ("error", [400, "invalid_params", "max_count"], "max_count"),
        ("error", [200, "teapot", "No tea"], "No tea"),
        ("error_in_200", ["teapot", "No tea"], "No tea"),
        ("status", [403, "html"], "HTTP 403"),
        ("status", [404, "html"], "HTTP 404"),
        ("status", [301, "html"], "HTTP 301"),
        ("redirect", None, "redirect"),
        ("huge", None, "16 MB"),
        ("gzip_bomb", None, "16 MB"),
    ]
    for provider in PROVIDERS
}
FAILED["rapidapi"] += [
    ("error", [403, "teapot", "No tea"], "No tea"),
    ("error", [403, None, "Forbidden"], "Forbidden"),
    ("error", [404, None, "API doesn't exists"], "API doesn't exists"),
]

SKIPPED: dict[str, list[tuple[Any, ...]]] = {
    "research": [
        ("private", [400, "invalid_params", "Username x is private"]),
        ("private", [400, "invalid_params", "The user x IS PRIVATE."]),
        ("private", [403, "access_denied", "Username x is private"]),
        ("hidden", [400, "invalid_params", "Profile user is hiding following list"]),
        ("hidden", [200, "privacy", "Profile user is hiding following list"]),
        ("not_found", [400, "invalid_params", "Username x is invalid: cannot find the user"]),
        ("not_found", [404, "not_found", "No such user"]),
        ("not_found", [500, "unknown", "cannot find the user"]),
        ("not_found", [404, "resource_missing", "Gone"]),
        ("unavailable", [403, "teapot", "No tea"]),
        ("unavailable", [400, "unknown", "API cannot return this user's information"]),
        ("unavailable", [400, "invalid_params", "The user's information cannot be returned"]),
    ],
    "rapidapi": [
        ("private", [403, "PRIVATE_ACCOUNT", "This account is private."]),
        ("private", [200, "PRIVATE_ACCOUNT", "This account is private."]),
        ("private", [400, "BAD_REQUEST", "This account is private."]),
        ("hidden", [403, "FOLLOWING_HIDDEN", "Profile user is hiding following list"]),
        ("hidden", [400, "BAD_REQUEST", "Profile user is hiding following list"]),
        ("not_found", [404, "NOT_FOUND", "The requested resource was not found."]),
        ("not_found", [200, "NOT_FOUND", "The requested resource was not found."]),
        ("not_found", [404, "MISSING", "Gone"]),
        ("not_found", [400, "BAD_REQUEST", "User does not exist"]),
        ("unavailable", [403, "ACCOUNT_UNAVAILABLE", "The information cannot be returned."]),
        ("unavailable", [400, "BAD_REQUEST", "The user's information cannot be returned."]),
    ],
}

ENDED: dict[str, list[tuple[Any, ...]]] = {
    "research": [
        ("error", [401, "scope_not_authorized", "No"], BadCredentials, "research.data.basic"),
        ("error", [403, "scope_permission_missed", "No"], BadCredentials, "data.basic"),
        ("error", [401, "unknown", "No"], BadCredentials, "research_client_secret"),
        ("error", [429, "daily_quota_limit_exceeded", "Daily"], QuotaUsedUp, "resets at 20"),
    ],
    "rapidapi": [
        ("error", [401, None, "Invalid API key."], BadCredentials, "check `rapidapi_key`"),
        ("error", [401, None, "You are not subscribed to this API."], BadCredentials, "plan"),
        ("error", [403, None, "You are not subscribed to this API."], BadCredentials, "plan"),
        *(
            (
                "error",
                [status, None, f"You have exceeded the {span} quota for Requests"],
                QuotaUsedUp,
                "on_quota_exhausted",
            )
            for status, span in ((429, "MONTHLY"), (429, "DAILY"), (403, "HOURLY"))
        ),
    ],
}
for _rows in ENDED.values():
    _rows += [
        ("retry_after", header, QuotaUsedUp, f"the provider asks to wait {until}")
        for header, until in (
            ("301", "until 20"),
            (formatdate(NOW + 3600, usegmt=True), "until 20"),
            ("99999999999999999999", "for more than 5 minutes"),
            ("inf", "for more than 5 minutes"),
        )
    ]
    _rows.append(
        ("retry_after", ["3600", 503], ProviderDown, "is down and asks to wait until")
    )


@pytest.mark.parametrize(("provider", "kind", "value", "words"), cases(FAILED))
def test_other_error_fails_the_username_at_once(
    sandbox: Sandbox, provider: str, kind: Any, value: Any, words: str
) -> None:
    one = reader(sandbox, provider, Fault(kind, value=value))
    error = one.error()
    assert isinstance(error, Failed)
    assert words in error.reason
    assert one.gate.halt is None
    assert len(pages_asked(sandbox, provider, "ann")) == 1


@pytest.mark.parametrize(("provider", "outcome", "value"), cases(SKIPPED))
def test_username_without_a_list_is_skipped(
    sandbox: Sandbox, provider: str, outcome: str, value: list[Any]
) -> None:
    one = reader(sandbox, provider, Fault("error", value=value))
    error = one.error()
    assert isinstance(error, Skipped)
    assert error.outcome == outcome
    assert value[2] in error.reason
    assert error.response is not None
    assert error.response.status == value[0]
    assert len(pages_asked(sandbox, provider, "ann")) == 1


@pytest.mark.parametrize("max_tries", [1, 5])
@pytest.mark.parametrize(("provider", "kind", "value", "end", "words"), cases(ENDED))
def test_stream_ends_with_one_request_and_a_sentence(
    sandbox: Sandbox,
    provider: str,
    kind: Any,
    value: Any,
    end: type[StreamEnded],
    words: str,
    max_tries: int,
) -> None:
    one = reader(sandbox, provider, Fault(kind, value=value), max_tries=max_tries)
    error = one.error()
    assert isinstance(error, end)
    assert words in error.sentence
    assert f"HTTP {value[0] if kind == 'error' else ''}" in error.sentence
    assert one.gate.halt is error
    assert one.error("ben") is error
    assert len(pages_asked(sandbox, provider, "ann")) == one.gate.requests == 1


def test_quota_of_the_research_api_resets_at_midnight(sandbox: Sandbox) -> None:
    sandbox.clock = SandboxClock()
    value = [429, "daily_quota_limit_exceeded", "The daily quota is exceeded"]
    sentence = str(reader(sandbox, "research", Fault("error", value=value)).error())
    assert "the daily quota is used up; it resets at " in sentence
    assert " 00:00 UTC (HTTP 429, daily_quota_limit_exceeded" in sentence


def test_quota_that_is_left_is_known() -> None:
    left = iter(["7", "6", "soon"])

    def reply(_: Received) -> Reply:
        return Reply(body=PAGE, headers={"x-ratelimit-requests-remaining": next(left)})

    with Server(reply) as server:
        one = rapidapi(server)
        known = [one.client.quota_left for _ in range(3) if one.fetch()]
    assert known == [7, 6, 6]


@pytest.mark.parametrize(
    ("timestamp", "as_of"),
    [("2023-11-16T02:00:00Z", NOW), ("0001-01-01T00:00:00Z", None), ("soon", None)],
)
def test_cached_page_is_as_of_its_cache(timestamp: str, as_of: int | None) -> None:
    meta = {"request_id": "7", "timestamp": timestamp, "cached": True}
    page = json.dumps({**json.loads(PAGE), "meta": meta}).encode()
    with Server(lambda _: Reply(body=page)) as server:
        response = rapidapi(server).fetch()
    if as_of is None:
        assert response.until == response.came_at
    else:
        assert response.as_of == response.until == as_of


# The gate.


def test_no_second_has_more_requests_than_the_rate() -> None:
    one = Gate(20, None, "the_budget", JumpingClock())
    times = []
    for _ in range(101):
        one.enter()
        times.append(one.clock.now())
    assert all(later - first > 1 for first, later in zip(times, times[20:], strict=False))
    assert times[19] == 0
    assert times[-1] == pytest.approx(5 * 1.02)


def test_shorter_pause_does_not_end_a_longer_one() -> None:
    one = Gate(20, None, "the_budget", JumpingClock())
    one.pause(60)
    one.pause(1)
    one.enter()
    assert one.clock.now() == 60


@pytest.mark.parametrize("answers", [1, 2, 1000])
@pytest.mark.parametrize("budget", [0, 1, 40])
def test_budget_is_the_most_the_provider_ever_sees(budget: int, answers: int) -> None:
    """Whether or not it closes connections that the tap means to use again."""
    body = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)
    with Raw(lambda: body, answers=answers) as server:
        one = rapidapi(server, budget=budget)
        ends = [_outcome(one.fetch) for _ in range(60)]
    assert server.requests == one.gate.requests == one.requests == budget
    assert isinstance(one.gate.halt, BudgetReached)
    assert one.gate.halt.reason == f"`the_budget` ({budget}) is reached"
    assert ends[-1] is one.gate.halt


def _outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except NoPage as error:
        return error


def test_many_workers_do_not_exceed_the_budget() -> None:
    with Server(lambda _: Reply(body=PAGE)) as server:
        one = rapidapi(server, budget=10)
        with ThreadPoolExecutor(8) as workers:
            ends = list(workers.map(lambda _: _outcome(one.fetch), range(40)))
    assert len(server.received) == 10
    assert sum(isinstance(end, BudgetReached) for end in ends) == 30


def test_first_reason_to_stop_counts() -> None:
    one = Gate(20, None, "the_budget")
    first = Interrupted(happened="stopped by a test")
    assert one.stop(first) is first
    assert one.stop(BudgetReached(happened="another")) is first
    with pytest.raises(Interrupted, match="stopped by a test"):
        one.enter()
    with pytest.raises(Interrupted, match="stopped by a test"):
        one.rest(FOREVER)
    assert one.requests == 0


def test_stop_ends_every_wait() -> None:
    one = Gate(1, None, "the_budget")
    one.enter()
    one.pause(FOREVER)

    def rest() -> None:
        one.rest(FOREVER)

    with ThreadPoolExecutor(3) as workers:
        waits = [workers.submit(wait) for wait in (rest, one.enter, one.enter)]
        one.stop(Interrupted())
        assert all(isinstance(wait.exception(AT_ONCE), Interrupted) for wait in waits)


# The access token.


def tokens(sandbox: Sandbox) -> int:
    return [request.provider for request in sandbox.requests].count("token")


def test_workers_share_one_token(sandbox: Sandbox) -> None:
    one = reader(sandbox, "research")
    with ThreadPoolExecutor(8) as workers:
        assert len([workers.submit(one.fetch).result(AT_ONCE) for _ in range(40)]) == 40
    assert tokens(sandbox) == 1
    assert one.requests == one.gate.requests == 40


def test_token_is_renewed_before_it_expires(sandbox: Sandbox) -> None:
    one = reader(sandbox, "research")
    for time, expected in ((0, 1), (0.9 * 7200 - 1, 1), (0.9 * 7200, 2), (7200, 2)):
        one.clock.time = time
        one.fetch()
        assert tokens(sandbox) == expected


@pytest.mark.parametrize("max_tries", [1, 5])
def test_rejected_token_is_renewed_once_within_the_same_try(
    sandbox: Sandbox, max_tries: int
) -> None:
    one = reader(sandbox, "research", Fault("token_revoked", times=1), max_tries=max_tries)
    assert len(one.fetch().page.accounts.rows) == 3
    assert (tokens(sandbox), one.requests, one.clock.waits) == (2, 2, [])


def test_token_that_is_always_rejected_ends_the_stream(sandbox: Sandbox) -> None:
    one = reader(sandbox, "research", Fault("token_revoked"))
    error = one.error()
    assert isinstance(error, BadCredentials)
    assert "research_client_secret" in error.sentence
    assert (tokens(sandbox), one.requests) == (2, 2)


def test_users_own_token_is_not_renewed(sandbox: Sandbox) -> None:
    config = {"research_api_url": sandbox.url, "research_access_token": "act.old"}
    one = Reader(config, "research")
    error = one.error()
    assert isinstance(error, BadCredentials)
    assert "research_access_token" in error.sentence
    assert (tokens(sandbox), one.requests) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("status", 500),
        ("status", [503, "html"]),
        ("html_200", None),
        ("truncated", None),
        ("empty_body", None),
        ("reset", None),
        ("retry_after", "0"),
        ("error", [200, "internal_error", "Try again"]),
        ("error", [429, "too_many_requests", "Slow down"]),
        ("error", [408, "timeout", "Slow"]),
    ],
    ids=str,
)
def test_token_request_is_retried(sandbox: Sandbox, kind: Any, value: Any) -> None:
    fault = Fault(kind, provider="token", value=value, times=3)
    one = reader(sandbox, "research", fault, max_tries=2)
    error = one.error()
    assert isinstance(error, Failed)
    assert error.reason.endswith(" after 2 tries")
    assert one.fetch()
    assert (tokens(sandbox), one.requests) == (4, 1)


@pytest.mark.parametrize("status", [200, 400, 401])
def test_refused_client_ends_the_stream_whatever_the_status(
    sandbox: Sandbox, status: int
) -> None:
    value = [status, "invalid_client", "Client key or secret is incorrect."]
    one = reader(sandbox, "research", Fault("error", provider="token", value=value))
    error = one.error()
    assert isinstance(error, BadCredentials)
    assert "Client key or secret is incorrect., log_id " in error.sentence
    assert "check `research_client_key` and `research_client_secret`" in error.sentence
    assert (tokens(sandbox), one.requests) == (1, 0)


def test_workers_that_wait_for_a_token_request_it_if_the_first_one_fails(
    sandbox: Sandbox,
) -> None:
    fault = Fault("status", provider="token", times=1)
    one = reader(sandbox, "research", fault, max_tries=1)
    with ThreadPoolExecutor(4) as workers:
        waiting = [workers.submit(_outcome, one.fetch) for _ in range(4)]
        ends = [end.result(AT_ONCE) for end in waiting]
    assert sum(isinstance(end, Failed) for end in ends) == 1
    assert tokens(sandbox) == 2
    assert one.requests == 3
