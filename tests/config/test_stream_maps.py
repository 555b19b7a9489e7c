"""Stream maps are tried before the first request, and reported like settings."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Sandbox, World
from tests.harness import follows_of, run, settings


def refusal(sandbox: Sandbox, maps: Any) -> str:
    """The sentence with which a run with these stream maps ends, before any request."""
    result = run(settings(sandbox, ["ann"], stream_maps=maps))
    assert (result.exit_code, result.stdout, sandbox.requests) == (1, "", [])
    assert result.text("ERROR") == result.last_line
    return result.last_line


NULLS = "fails where columns are null ("
PROBLEMS = [
    ({"rapidapi_following": {"x": "bio.upper()"}}, f"`x` {NULLS}Attribute"),
    ({"rapidapi_following": {"__filter__": "followers > 1"}}, f"`__filter__` {NULLS}"),
    ({"rapidapi_following": {"x": "nam"}}, "`x` fails ('nam' is not defined for expression "),
    ({"rapidapi_*": {"x": "sha265(bio)"}}, "`x` fails (Function 'sha265' not defined, "),
    ({"research_scans": {"x": "bio +"}}, "`x` fails (invalid syntax"),
    ({"rapidapi_scans": {"x": ""}}, "`x` fails (string index out of range)"),
    ({"rapidapi_scans": {"x": "md5(config['salt'])"}}, "`x` fails ('salt')"),
    ({"rapidapi_scans": {"x": "fake.name()"}}, "`x` fails (`fake` needs the package Faker: "),
    ({"rapidapi_following": {"user_id": None}}, "it fails (Removing key property 'user_id' "),
]


@pytest.mark.parametrize(("maps", "says"), PROBLEMS)
def test_wrong_expression(sandbox: Sandbox, maps: Any, says: str) -> None:
    [stream] = maps
    start = f"The config has a problem: `stream_maps` of `{stream}`: {says}"
    assert refusal(sandbox, maps).startswith(start)


@pytest.mark.parametrize(
    ("maps", "says"),
    [
        ({"rapidapi_folowing": {}}, "`stream_maps` names `rapidapi_folowing`, which is not a"),
        ({"rapidapi_scans": "md5"}, "`stream_maps.rapidapi_scans` has the wrong type"),
    ],
)
def test_wrong_stream_map(sandbox: Sandbox, maps: Any, says: str) -> None:
    assert refusal(sandbox, maps).startswith(f"The config has a problem: {says}")


def test_every_wrong_expression_is_listed_once(sandbox: Sandbox) -> None:
    maps = {
        "*_following": {"a": "usrname", "b": "username", "c": "len(bio)"},
        "rapidapi_scans": {"__else__": None, "d": "outcom"},
    }
    sentence = refusal(sandbox, maps)
    assert sentence.startswith("The config has 3 problems: ")
    assert all(f"`{column}` fails" in sentence for column in "acd")


def test_right_stream_maps_are_applied(sandbox: Sandbox) -> None:
    """Filtered nulls, hashed keys, an alias and a provider without credentials."""
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    maps = {
        "rapidapi_following": {
            "__alias__": "follows",
            "__filter__": "bio != None",
            "bio": "str(bio).upper()",
            "share": "followers / (following - 1)",
            "follower_username": "md5(config['salt'] + follower_username)",
        },
        "rapidapi_scans": {"__key_properties__": ["id"], "id": "md5(follower_username)"},
        "research_following": {"name": "display_name"},
        "__else__": None,
    }
    more = {"stream_maps": maps, "stream_map_config": {"salt": "s"}}
    result = run(settings(sandbox, ["ann"], "rapidapi", **more))
    assert result.exit_code == 0
    assert len(result.records("follows")) == 2
    assert all(len(r["follower_username"]) == 32 for r in result.records("follows"))
    assert [row["follower_username"] for row in result.records("rapidapi_scans")] == ["ann"]


def test_copy_of_a_stream_leaves_the_stream_as_it_is(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    maps = {"copy": {"__source__": "rapidapi_following", "__key_properties__": None}}
    result = run(settings(sandbox, ["ann"], "rapidapi", stream_maps=maps))
    assert result.records("copy") == result.records("rapidapi_following")
    assert len(result.records("copy")) == 2


def test_expression_that_fails_for_a_value_ends_the_run_in_one_sentence(
    sandbox: Sandbox,
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 2)})
    maps = {"rapidapi_following": {"number": "int(follower_username)"}}
    result = run(settings(sandbox, ["ann"], "rapidapi", stream_maps=maps))
    assert result.exit_code == 1
    assert result.text("ERROR") == (
        "rapidapi_following: `stream_maps` fails for a record (ValueError): correct the "
        "expression; the next run continues from the last saved state."
    )
