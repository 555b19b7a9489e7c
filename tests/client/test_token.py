"""One access token for all workers: fetched once, renewed in time, and after a rejection."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tap_tiktok_following.client import token as access_token
from tap_tiktok_following.client.token import Token
from tap_tiktok_following.model import TokenGrant
from tap_tiktok_following.verdicts import Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

LIFE = 7200


def numbered() -> Callable[[], TokenGrant]:
    """Gives `token 1`, then `token 2`, and so on."""
    numbers = count(1)
    return lambda: TokenGrant(f"token {next(numbers)}", LIFE)


def test_a_token_is_fetched_once() -> None:
    token = Token(numbered())
    assert [token.get() for _ in range(3)] == ["token 1"] * 3


def test_a_token_is_renewed_at_nine_tenths_of_its_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(access_token, "time", SimpleNamespace(monotonic=lambda: now[0]))
    token = Token(numbered())
    token.get()
    now[0] = 1000 + 0.9 * LIFE - 1
    assert token.get() == "token 1"
    now[0] += 1
    assert token.get() == "token 2"


def test_a_rejected_token_is_replaced() -> None:
    token = Token(numbered())
    assert token.get(rejected=token.get()) == "token 2"
    assert token.get() == "token 2"


def test_a_token_that_was_replaced_meanwhile_is_not_replaced_again() -> None:
    token = Token(numbered())
    first = token.get()
    assert [token.get(rejected=first) for _ in range(8)] == ["token 2"] * 8


def test_one_worker_fetches_while_the_others_wait() -> None:
    fetching, allowed, tokens = threading.Event(), threading.Event(), numbered()

    def fetch() -> TokenGrant:
        fetching.set()
        assert allowed.wait(10)
        return tokens()

    token = Token(fetch)
    with ThreadPoolExecutor(8) as workers:
        answers = [workers.submit(token.get) for _ in range(8)]
        assert fetching.wait(10)
        assert not any(answer.done() for answer in answers)
        allowed.set()
        assert [answer.result(10) for answer in answers] == ["token 1"] * 8


def test_a_failure_reaches_one_worker_and_the_next_tries_again() -> None:
    tokens, tries = numbered(), count(1)

    def fetch() -> TokenGrant:
        if next(tries) == 1:
            raise Refused(Verdict.FAILED, "no token today")
        return tokens()

    token = Token(fetch)
    with pytest.raises(Refused, match="no token today"):
        token.get()
    assert token.get() == "token 1"


def test_workers_that_wait_try_again_themselves_when_a_fetch_fails() -> None:
    fetching, allowed, tokens, tries = (
        threading.Event(),
        threading.Event(),
        numbered(),
        count(1),
    )

    def fetch() -> TokenGrant:
        if next(tries) > 1:
            return tokens()
        fetching.set()
        assert allowed.wait(10)
        raise Refused(Verdict.FAILED, "no token today")

    token = Token(fetch)
    with ThreadPoolExecutor(4) as workers:
        first = workers.submit(token.get)
        assert fetching.wait(10)
        others = [workers.submit(token.get) for _ in range(3)]
        allowed.set()
        assert isinstance(first.exception(10), Refused)
        assert [other.result(10) for other in others] == ["token 1"] * 3
