"""What follows when a request fails: a retry, a failed or skipped username, or the end.

Waits take no time here: the clock jumps.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tap_tiktok_following.streams import following
from tests.harness import NOW, Run, each_provider, follows_of, many, run, settings, wait_until
from tests.server import Received, Reply, Server, read_from

PAGE = json.dumps(
    {"data": [{"user_id": "1"}], "pagination": {"has_more": False}, "error": None}
).encode()


class JumpingClock:
    """A clock that jumps to the end of the next wait as soon as all workers wait."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []
        self.workers = 1  # with 1, each wait is a jump
        self._ends: dict[int, float] = {}

    def wait(self, changed: threading.Condition, seconds: float) -> None:
        self.waits.append(seconds)
        self._ends[threading.get_ident()] = self.time + seconds
        if len(self._ends) < self.workers:
            threading.Condition.wait(changed, 0.01)
            return
        self.time = min(self._ends.values())
        self._ends = {worker: end for worker, end in self._ends.items() if end > self.time}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    clock = JumpingClock()

    class JumpingCondition(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            clock.wait(self, timeout or 0)
            return True

        def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
            end = clock.time + (timeout or 0)
            while not predicate() and (left := end - clock.time) > 0:
                clock.wait(self, left)
            return predicate()

    monkeypatch.setattr("tap_tiktok_following.client.Condition", JumpingCondition)
    monkeypatch.setattr("tap_tiktok_following.client.monotonic", lambda: clock.time)
    return clock


def read(
    sandbox: Sandbox,
    provider: str,
    *faults: Fault,
    usernames: Sequence[str] = ("ann",),
    **more: object,
) -> Run:
    """Run over lists of three accounts."""
    sandbox.world = World.of({name: follows_of(name, 3) for name in usernames})
    sandbox.scenario.faults = list(faults)
    return run(settings(sandbox, usernames, provider, **more))


def cases(table: dict[str, list[tuple[Any, ...]]]) -> list[Any]:
    """Return the rows of a table by whose response it is; `both` are the providers."""
    return [
        pytest.param(whose, *row, id="-".join(map(str, (whose, *row))))
        for whose in ("research", "rapidapi", "token")
        for row in [*(() if whose == "token" else table["both"]), *table.get(whose, ())]
    ]


UNREADABLE = "the response could not be read"
LOST = "the connection to 127.0.0.1"

RETRIED: dict[str, list[tuple[Any, ...]]] = {
    "both": [
        ("status", [500, "html"], "HTTP 500"),
        ("status", [408, "html"], "HTTP 408"),
        ("status", [429, "html"], "HTTP 429"),
        ("error", [200, "timeout", "The request timed out"], "timed out"),
        ("error", [400, "internal_error", "Oops"], "Oops"),
        ("error", [400, "unknown", "Please try again later."], "try again"),
        ("html_200", None, UNREADABLE),
        ("no_content", None, UNREADABLE),
        ("has_more_missing", None, UNREADABLE),
        ("bad_gzip", None, "the response could not be decompressed"),
        ("short_body", None, LOST),
        ("reset", None, LOST),
    ],
    "research": [
        ("error", [200, "rate_limit_exceeded", "Slow"], "Slow"),
        ("data_null", None, UNREADABLE),
    ],
    "rapidapi": [
        ("error", [429, None, "Too many requests"], "Too many"),
        ("error", [403, None, "Rate limit per second"], "Rate limit"),
        ("error", [400, "RATE_LIMIT", "Slow"], "Slow"),
    ],
    "token": [
        ("status", [429, "html"], "HTTP 429"),
        ("html_200", None, UNREADABLE),
        ("error", [200, "internal_error", "Oops"], "Oops"),
        ("error", [400, "slow_down", "Slow"], "Slow"),
    ],
}

FINAL: dict[str, list[tuple[Any, ...]]] = {
    "both": [
        ("failed", "error", [400, "teapot", "No tea"]),
        ("failed", "error", [404, "404", "Not Found"]),
        ("failed", "error_in_200", ["teapot", "No tea"]),
        ("failed", "status", [404, "html"]),
        ("failed", "redirect", None),
        ("failed", "gzip_bomb", None),
        ("private", "error", [400, "invalid_params", "The user x IS PRIVATE."]),
        ("hidden", "error", [200, "privacy", "Profile user is hiding following list"]),
        ("not_found", "error", [400, "invalid_params", "Username x: cannot find the user"]),
        ("not_found", "error", [500, "unknown", "User does not exist"]),
        ("not_found", "error", [400, "unknown", "This account doesn't exist"]),
        ("not_found", "error", [400, "unknown", "No such user"]),
        ("not_found", "error", [404, "resource_missing", "Gone"]),
        ("unavailable", "error", [400, "unknown", "API cannot return this information"]),
    ],
    "research": [
        ("failed", "error", [400, "invalid_params", "max_count"]),
        ("unavailable", "error", [403, "teapot", "No tea"]),
    ],
    "rapidapi": [
        ("failed", "error", [403, "teapot", "No tea"]),
        ("failed", "error", [404, None, "API doesn't exists"]),
        ("private", "error", [403, "PRIVATE_ACCOUNT", "No"]),
        ("hidden", "error", [403, "FOLLOWING_HIDDEN", "No"]),
        ("not_found", "error", [200, "NOT_FOUND", "No"]),
        ("unavailable", "error", [403, "ACCOUNT_UNAVAILABLE", "No"]),
    ],
}

QUOTA, KEY, SECRET = "on_quota_exhausted", "check `rapidapi_key`", "`research_client_key`"
DAILY = "daily_quota_limit_exceeded"
LATER = formatdate(NOW + 3600, usegmt=True)

ENDED: dict[str, list[tuple[Any, ...]]] = {
    "both": [
        ("retry_after", "301", 75, "the provider asks to wait until 2023-11-16 02:05 UTC"),
        ("retry_after", LATER, 75, "the provider asks to wait until 2023-11-16 03:00 UTC"),
        ("retry_after", "9" * 20, 75, "the provider asks to wait until 2055-07-25 03:46 UTC"),
        ("retry_after", ["3600", 503], 1, "is down and asks to wait until 2023-11-16 03:00"),
    ],
    "research": [
        ("error", [401, "scope_not_authorized", "No"], 1, "`research.data.basic`"),
        ("error", [403, "scope_permission_missed", "No"], 1, "`research.data.basic`"),
        ("error", [401, "unknown", "No"], 1, SECRET),
        ("error", [429, DAILY, "No more"], 75, f"(HTTP 429, {DAILY}: No more, log_id "),
    ],
    "rapidapi": [
        ("error", [401, None, "Invalid API key."], 1, KEY),
        ("error", [401, None, "You are not subscribed to this API."], 1, "a plan"),
        ("error", [403, None, "You are not subscribed to this API."], 1, "a plan"),
        ("error", [429, None, "You have exceeded the MONTHLY quota for Requests"], 75, QUOTA),
    ],
    "token": [
        ("error", [status, "invalid_client", "Wrong secret."], 1, "Wrong secret., log_id ")
        for status in (200, 400, 401)
    ],
}


def asked(sandbox: Sandbox, whose: str) -> int:
    return sum(request.provider == whose for request in sandbox.requests)


@pytest.mark.parametrize(("whose", "kind", "value", "words"), cases(RETRIED))
def test_error_that_may_pass_is_retried(
    sandbox: Sandbox, whose: Any, kind: str, value: Any, words: str
) -> None:
    provider = "research" if whose == "token" else whose
    ended = read(sandbox, provider, Fault(kind, provider=whose, value=value), max_tries=2)
    row = ended.scans(provider)["ann"]
    assert (ended.exit_code, row["outcome"]) == (1, "failed")
    assert row["requests"] == asked(sandbox, provider)
    assert words in row["reason"]
    assert " after 2 tries" in row["reason"]
    assert asked(sandbox, whose) == 2
    once = Fault(kind, provider=whose, value=value, times=1)
    assert read(sandbox, provider, once).exit_code == 0


@pytest.mark.parametrize(("provider", "outcome", "kind", "value"), cases(FINAL))
def test_other_error_fails_the_username_or_skips_it_at_once(
    sandbox: Sandbox, provider: str, outcome: str, kind: str, value: Any
) -> None:
    ended = read(sandbox, provider, Fault(kind, value=value))
    row = ended.scans(provider)["ann"]
    assert (row["outcome"], row["requests"]) == (outcome, 1)
    assert ended.exit_code == (outcome == "failed")
    words = {
        "status": "HTTP 404",
        "redirect": "redirects are not followed (HTTP 307)",
        "gzip_bomb": "the response is larger than 16 MB",
    }
    assert words.get(kind, value and value[-1]) in row["reason"]


@pytest.mark.parametrize(("whose", "kind", "value", "code", "words"), cases(ENDED))
def test_stream_ends_with_one_request_and_a_sentence(
    sandbox: Sandbox, whose: Any, kind: str, value: Any, code: int, words: str
) -> None:
    provider = "research" if whose == "token" else whose
    fault = Fault(kind, provider=whose, value=value)
    ended = read(sandbox, provider, fault, usernames=many(3), concurrency=1)
    assert ended.exit_code == code
    assert words in ended.last_line
    assert "(HTTP " in ended.last_line
    assert asked(sandbox, whose) == 1
    assert ended.follows(provider) == []


# Waits.


def test_waits_between_tries_grow(sandbox: Sandbox, clock: JumpingClock) -> None:
    read(sandbox, "rapidapi", Fault("status"), max_tries=20)
    assert asked(sandbox, "rapidapi") == 20
    assert len(clock.waits) == 19
    assert all(wait <= min(2**n, 60) for n, wait in enumerate(clock.waits))
    assert max(clock.waits) > 16


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("300", 300),
        (formatdate(NOW + 300, usegmt=True), 300),
        ("1", 1),
        ("-5", 0),
        ("soon", 0),
        ("nan", 0),
        (formatdate(NOW - 60), 0),
    ],
)
def test_announced_wait_is_kept_and_never_shortens_the_backoff(
    sandbox: Sandbox, clock: JumpingClock, header: str, wait: float
) -> None:
    random.seed(5)
    read(sandbox, "rapidapi", Fault("status", value=429), max_tries=5)
    backoff, clock.waits = clock.waits, []
    random.seed(5)
    read(sandbox, "rapidapi", Fault("retry_after", value=header), max_tries=5)
    assert len(backoff) == 4
    assert clock.waits == pytest.approx([max(wait, own) for own in backoff])


@pytest.mark.parametrize(("status", "at"), [(429, [0, 0, 30, 30]), (503, [0, 0, 1, 30])])
def test_slow_down_pauses_all_workers_and_a_server_error_only_its_own(
    clock: JumpingClock, status: int, at: list[float]
) -> None:
    """The shorter pause, which is asked for later, does not end the longer one."""
    sent: list[tuple[float, str]] = []
    clock.workers = 2

    def reply(request: Received) -> Reply:
        username = request.target.split("/")[4]
        is_first = username not in {name for _, name in sent}
        sent.append((clock.time, username))
        if not is_first:
            clock.workers -= 1
            return Reply(body=PAGE)
        # Both are sent before either response, and the response to ben is the later one.
        wait_until(lambda: bool(clock.waits) if username == "ben" else len(sent) == 2)
        wait = {"Retry-After": "30" if username == "ann" else "1"}
        return Reply(status, b'{"error": "Please try again later."}', wait)

    with Server(reply) as server:
        ended = read_from(server.url, "ann", "ben", concurrency=2)
    assert ended.exit_code == 0
    assert sorted(time for time, _ in sent) == at


# Limits.


def test_no_second_has_more_requests_than_the_rate(clock: JumpingClock) -> None:
    times = []

    def reply(_: Received) -> Reply:
        times.append(clock.time)
        return Reply(body=PAGE)

    with Server(reply) as server:
        read_from(server.url, *many(101), rapidapi_requests_per_second=20, concurrency=1)
    assert len(times) == 101
    assert all(later - first > 1 for first, later in zip(times, times[20:], strict=False))
    assert times[19] == 0
    assert times[-1] == pytest.approx(5 * 1.02)


@pytest.mark.parametrize("budget", [0, 1, 10])
@each_provider
def test_budget_is_the_most_the_provider_ever_sees(
    sandbox: Sandbox, provider: str, budget: int
) -> None:
    limits = {f"{provider}_max_requests": budget, "concurrency": 8, "max_tries": 5}
    flaky = Fault("status", times=4)
    ended = read(sandbox, provider, flaky, usernames=many(40), **limits)
    assert asked(sandbox, provider) == budget
    assert ended.exit_code == 0
    assert f"`{provider}_max_requests` ({budget}) is reached" in ended.last_line


@each_provider
def test_quota_that_is_used_up_resets_at_midnight(sandbox: Sandbox, provider: str) -> None:
    sandbox.scenario.quota = 2
    ended = read(sandbox, provider, usernames=many(3), concurrency=1)
    assert (ended.exit_code, len(ended.follows(provider))) == (75, 6)
    assert "quota is used up; it resets at 2023-11-17 00:00 UTC" in ended.last_line


def test_quota_that_is_left_is_told_during_the_run_and_in_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "PROGRESS_EVERY", 0.0)
    left = iter(["7", "6", "soon"])

    def reply(_: Received) -> Reply:
        return Reply(body=PAGE, headers={"x-ratelimit-requests-remaining": next(left)})

    with Server(reply) as server:
        ended = read_from(server.url, *many(3), concurrency=1)
    _, header, row, *_ = ended.stderr.partition("Summary:")[2].splitlines()
    assert header.endswith("quota left  time")
    assert row.split()[-3] == "6"
    assert re.search(
        r"2 of 3 usernames, 2 accounts, \d requests \(\d\.\d/s\), 6 of the quota left, about "
        r"\d+ s left",
        ended.text("INFO"),
    )


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", "soon"])
def test_cached_page_without_a_readable_time_is_as_of_its_date(timestamp: str) -> None:
    meta = {"timestamp": timestamp, "cached": True}
    page = json.dumps({**json.loads(PAGE), "meta": meta}).encode()
    with Server(lambda _: Reply(body=page, headers={"Date": formatdate(NOW)})) as server:
        (record,) = read_from(server.url, "ann").records("rapidapi_following")
    assert record["followed_at_latest"] == "2023-11-16T02:00:00+00:00"


# The access token.


@pytest.mark.parametrize(("wait", "expected"), [("89", 1), ("91", 2)])
def test_token_is_renewed_before_it_expires(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, wait: str, expected: int
) -> None:
    monkeypatch.setattr("sandbox.research.TOKEN_LIFE", 100)
    assert read(sandbox, "research", Fault("retry_after", value=wait, times=1)).exit_code == 0
    assert asked(sandbox, "token") == expected


def test_token_that_is_rejected_from_all_workers_is_renewed_once_within_the_same_try(
    sandbox: Sandbox, clock: JumpingClock
) -> None:
    fault = Fault("token_revoked", username="user39", times=1)
    rows = read(sandbox, "research", fault, usernames=many(80), max_tries=1).scans("research")
    assert {row["outcome"] for row in rows.values()} == {"complete"}
    assert rows["user39"]["requests"] == 2
    assert (asked(sandbox, "token"), clock.waits) == (2, [])


@pytest.mark.parametrize(
    ("users_own", "times"), [({}, 2), ({"research_access_token": "the_users_token"}, 1)]
)
def test_token_that_is_always_rejected_ends_the_stream(
    sandbox: Sandbox, users_own: dict[str, str], times: int
) -> None:
    """The user's own token is not renewed."""
    ended = read(sandbox, "research", Fault("token_revoked"), **users_own)
    assert ended.exit_code == 1
    assert f"check {SECRET}" in ended.last_line
    assert "get a new `research_access_token`" in ended.last_line
    assert asked(sandbox, "research") == times
    assert asked(sandbox, "token") == (0 if users_own else 2)


def test_workers_share_a_token_and_request_another_one_if_the_first_request_fails(
    sandbox: Sandbox,
) -> None:
    fault = Fault("status", provider="token", times=1)
    ended = read(sandbox, "research", fault, max_tries=1, usernames=many(40))
    outcomes = [row["outcome"] for row in ended.scans("research").values()]
    assert sorted(outcomes) == ["complete"] * 39 + ["failed"]
    assert asked(sandbox, "token") == 2
