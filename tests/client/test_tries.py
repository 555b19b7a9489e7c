"""What is tried again, what fails at once, and what is kept of a list that could not be read.

Many rows share a run: each has a username of its own, whose second page is spoiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Fault, Sandbox, Scenario, World
from tests.harness import (
    LIST,
    NOW,
    PAGE,
    PAGES,
    PROVIDERS,
    bookmark,
    each_provider,
    entry,
    follows_of,
    pages_asked,
    run,
    settings,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Run


@dataclass(frozen=True)
class Row:
    """One line of a table: a username, the fault that meets it, and what is said of it.

    Attributes:
        name: The username, and the name of the test.
        kind: The fault's kind.
        value: The fault's value.
        tries: Requests sent for the spoiled page.
        said: Part of the reason in the scans stream.
        providers: Whose answers can be spoiled so.
        lost: Requests that met the end of a used connection: sent again, and not counted.
    """

    name: str
    kind: str
    value: Any = None
    tries: int = 2
    said: str = ""
    providers: tuple[str, ...] = PROVIDERS
    lost: int = 0

    def fault(self, provider: str, times: int | None) -> Fault:
        return Fault(
            kind=self.kind,
            provider=provider,  # type: ignore[arg-type]
            username=self.name,
            page=2,
            times=times,
            value=self.value,
        )


SLOW_DOWN = {
    "research": [429, "rate_limit_exceeded", "The API rate limit was exceeded."],
    "rapidapi": [429, None, "Too many requests"],
}


PASSING = [
    Row("status_500", "status", 500, said="HTTP 500"),
    Row("status_502_html", "status", [502, "html"], said="HTTP 502"),
    Row("status_503", "status", 503, said="HTTP 503"),
    Row("status_504_html", "status", [504, "html"], said="HTTP 504"),
    Row("status_520_html", "status", [520, "html"], said="HTTP 520"),
    Row("status_408", "status", 408, said="HTTP 408"),
    Row("false_500", "error", [500, "internal_error", ""], said="HTTP 500"),
    Row("unreachable", "error", [503, None, "The API is unreachable"], said="unreachable"),
    Row("slow_down", "error", SLOW_DOWN["research"], 2, "rate limit", ("research",)),
    Row("slow_down_200", "error", [200, "rate_limit_exceeded", "Slow"], 2, "", ("research",)),
    Row("too_many", "error", SLOW_DOWN["rapidapi"], 2, "Too many", ("rapidapi",)),
    Row("too_many_html", "status", [429, "html"], said="HTTP 429"),
    Row("html_200", "html_200", said="could not be read"),
    Row("empty_body", "empty_body", said="could not be read"),
    Row("no_content", "no_content", said="could not be read"),
    Row("truncated", "truncated", said="could not be read"),
    Row("array", "array", said="could not be read"),
    Row("nan", "nan", said="could not be read"),
    Row("deep", "deep", said="could not be read"),
    Row("bad_gzip", "bad_gzip", said="decompressed"),
    Row("timeout_200", "error", [200, "timeout", "The request timed out"], said="timed out"),
    Row("try_again", "error", [400, "unknown", "Please try again later."], said="try again"),
    Row("internal_400", "error", [400, "internal_error", "Oops"], said="Oops"),
    Row("has_more_missing", "has_more_missing", said="could not be read"),
    Row("data_null", "data_null", 2, said="could not be read", providers=("research",)),
    Row("short_body", "short_body"),
    Row("reset", "reset", said="connection", lost=1),
    Row("reset_mid_body", "reset", "mid_body", said="connection"),
    Row("silent", "silent", said="did not answer in full within 2 s"),
    Row("drip", "drip", 1.2),
    Row("retry_at_once", "retry_after", "0"),
    Row("retry_negative", "retry_after", "-5"),
    Row("retry_garbage", "retry_after", "soon"),
    Row("retry_nan", "retry_after", "nan"),
    Row("retry_past", "retry_after", formatdate(NOW - 60, usegmt=True)),
    Row("retry_date", "retry_after", formatdate(NOW + 1, usegmt=True)),
]
"""Each is tried again, and no more than a second try is needed."""


LASTING = [
    Row("status_400", "error", [400, "teapot", "No tea"], 1, "No tea"),
    Row("status_403", "error", [403, "teapot", "No tea"], 1, "No tea", ("rapidapi",)),
    Row("proxy_403", "status", [403, "html"], 1, "HTTP 403"),
    Row("gateway_403", "error", [403, None, "Forbidden"], 1, "Forbidden", ("rapidapi",)),
    Row("gateway_404_html", "status", [404, "html"], 1, "HTTP 404"),
    Row("error_404", "error", [404, "404", "Not Found"], 1, "Not Found"),
    Row("status_405", "error", [405, "teapot", "No tea"], 1, "No tea"),
    Row("status_422", "error", [422, "teapot", "No tea"], 1, "No tea"),
    Row("bad_params", "error", [400, "invalid_params", "max_count"], 1, "max_count"),
    Row("wrong_host", "error", [404, None, "API doesn't exists"], 1, "", ("rapidapi",)),
    Row("status_410_html", "status", [410, "html"], 1, "HTTP 410"),
    Row("status_451_html", "status", [451, "html"], 1, "HTTP 451"),
    Row("error_200", "error", [200, "teapot", "No tea"], 1, "No tea"),
    Row("error_beside_data", "error_in_200", ["teapot", "No tea"], 1, "No tea"),
    Row("redirect", "redirect", None, 1, "redirect"),
    Row("status_301", "status", [301, "html"], 1, "HTTP 301"),
    Row("huge", "huge", None, 1, "16 MB"),
    Row("gzip_bomb", "gzip_bomb", None, 1, "16 MB"),
]
"""Each fails its username with one request: to ask again would not help."""


def of(provider: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if provider in row.providers]


def cases(rows: list[Row]) -> list[Any]:
    return [
        pytest.param(provider, row, id=f"{provider}-{row.name}")
        for provider in PROVIDERS
        for row in of(provider, rows)
    ]


@dataclass
class Shared:
    """One run that all rows of a table share.

    Attributes:
        run: The run.
        sandbox: The sandbox it ran against.
    """

    run: Run
    sandbox: Sandbox
    config: dict[str, Any]


def shared_run(provider: str, rows: list[Row], times: int | None) -> Iterator[Shared]:
    """Run all rows of a table at once: 9 workers, whose first pages part the failures."""
    names = [row.name for row in of(provider, rows)]
    world = World.of({name: follows_of(name, LIST) for name in [*names, "good"]})
    faults = [row.fault(provider, times) for row in of(provider, rows)]
    with Sandbox(world, scenario=Scenario(faults=faults), clock=Clock(NOW)) as sandbox:
        config = settings(
            sandbox,
            [*names, "good"],
            provider,
            page_size=PAGE,
            request_timeout=2,
            concurrency=9,
        )
        yield Shared(run(config), sandbox, config)


@pytest.fixture(scope="module")
def failing() -> Iterator[dict[str, Shared]]:
    """A run of each provider in which everything goes on happening."""
    runs = {p: shared_run(p, [*PASSING, *LASTING], None) for p in PROVIDERS}
    yield {provider: next(shared) for provider, shared in runs.items()}
    for shared in runs.values():
        next(shared, None)


@pytest.fixture(scope="module")
def passing() -> Iterator[dict[str, Shared]]:
    """A run of each provider in which everything passing happens once."""
    runs = {p: shared_run(p, PASSING, 1) for p in PROVIDERS}
    yield {provider: next(shared) for provider, shared in runs.items()}
    for shared in runs.values():
        next(shared, None)


@pytest.mark.parametrize(("provider", "row"), cases(PASSING))
def test_what_is_passing_is_tried_again(
    passing: dict[str, Shared], provider: str, row: Row
) -> None:
    shared = passing[provider]
    sent = shared.run.follows(provider, row.name)
    assert len(sent) == LIST
    assert set(sent) == truth(shared.sandbox, row.name)
    scan = shared.run.scans(provider)[row.name]
    asked = pages_asked(shared.sandbox, provider, row.name)
    assert (scan["outcome"], scan["whole_list"]) == ("complete", True)
    assert len(asked) == scan["requests"] + row.lost == PAGES + 1
    assert asked[1].cursor == asked[2].cursor


@each_provider
def test_what_passes_leaves_no_trace_on_the_exit_code(
    passing: dict[str, Shared], provider: str
) -> None:
    shared = passing[provider]
    assert shared.run.exit_code == 0
    assert shared.run.text("ERROR") == shared.run.text("WARNING") == ""


@pytest.mark.parametrize(("provider", "row"), cases([*PASSING, *LASTING]))
def test_what_lasts_fails_one_username_and_keeps_what_was_read(
    failing: dict[str, Shared], provider: str, row: Row
) -> None:
    shared = failing[provider]
    first_page = {(row.name, f"{row.name}.{place}") for place in range(PAGE)}
    assert set(shared.run.follows(provider, row.name)) == first_page
    scan = shared.run.scans(provider)[row.name]
    assert scan["outcome"] == "failed"
    assert not scan["whole_list"]
    assert row.said in scan["reason"]
    assert "error in this tap" not in scan["reason"]
    asked = pages_asked(shared.sandbox, provider, row.name)
    assert len(asked) - row.lost == scan["requests"] == 1 + row.tries
    assert scan["reason"].count(" after 2 tries") == (row.tries == 2)
    assert bookmark(shared.run.state, provider, row.name) is None
    assert entry(shared.run.state, provider, row.name)["resume"]["cursor"] == asked[1].cursor


@each_provider
def test_failed_usernames_are_named_and_the_others_go_on(
    failing: dict[str, Shared], provider: str
) -> None:
    ended = failing[provider].run
    rows = of(provider, [*PASSING, *LASTING])
    assert ended.exit_code == 1
    assert len(ended.follows(provider, "good")) == LIST
    outcomes = [row["outcome"] for row in ended.scans(provider).values()]
    assert outcomes.count("failed") == len(rows)
    assert "run again" in ended.last_line
    assert any(row.name in ended.last_line for row in rows)
    assert "Traceback" not in ended.stderr


@each_provider
def test_a_failed_username_goes_on_where_it_stood(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", LIST)})
    sandbox.scenario = Scenario(faults=[Fault("status", username="bad", page=2)])
    config = settings(sandbox, ["bad"], provider, page_size=PAGE)
    before = run(config)
    sandbox.scenario = Scenario()
    after = run(config, before.state)
    asked = pages_asked(sandbox, provider, "bad")
    assert [r.cursor for r in asked[1:4]] == [asked[1].cursor] * 3
    assert len(asked) == PAGES + 2
    sent = [*before.follows(provider), *after.follows(provider)]
    assert len(sent) == LIST
    assert set(sent) == truth(sandbox, "bad")
    row = after.scans(provider)["bad"]
    assert row["scanned_at"] == before.scans(provider)["bad"]["scanned_at"]
    assert (row["outcome"], row["accounts_read"], row["whole_list"]) == (
        "complete",
        LIST,
        True,
    )
    assert row["requests"] == len(asked)


@pytest.mark.parametrize(("choice", "code"), [("fail", 1), ("continue", 0)])
@each_provider
def test_on_username_failure(sandbox: Sandbox, provider: str, choice: str, code: int) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", 3), "good": follows_of("good", 3)})
    sandbox.scenario = Scenario(faults=[Fault("status", username="bad")])
    config = settings(sandbox, ["bad", "good"], provider, on_username_failure=choice)
    ended = run(config)
    assert ended.exit_code == code
    assert set(ended.follows(provider)) == truth(sandbox, "good")
    assert ended.scans(provider)["bad"]["outcome"] == "failed"
    assert "bad" in ended.last_line


def test_who_goes_on_after_a_failure_is_not_told_to(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario.faults.append(Fault("error", username="ann", value=[418, "tea", "Tea"]))
    config = settings(sandbox, ["ann"], "research", on_username_failure="continue")
    ended = run(config)
    assert ended.exit_code == 0
    assert ended.text("WARNING").endswith("continues from the last page read.")


@each_provider
def test_max_tries_counts_all_tries(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=[Fault("retry_after", value="0")])
    ended = run(settings(sandbox, ["bad"], provider, max_tries=4))
    assert ended.exit_code == 1
    assert len(pages_asked(sandbox, provider, "bad")) == 4
