"""README, docs/, CONTRIBUTING.md and others: all of it is run, and names exist.

Every fenced block but output and pictures is run by a test, as it stands: those marked with
`runs` take a section from its document and type the commands in their order, in a shell, with
the real programs, against the sandbox. What has to be typed differently in a test is in one
table with the reasons, `STAND_INS` in tests/e2e/reader.py. SQL is run by
test_analysis.py. `make test` is what CI runs, so it is not run once more from within.

The tests here find a block, or a command in a sentence, that no test runs, links that lead
nowhere, and names of things that do not exist.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml

from tap_tiktok_following import exits
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.providers import PROVIDERS
from tap_tiktok_following.tap import TapTikTokFollowing
from tap_tiktok_following.verdicts import Verdict
from tests import harness
from tests.documents import DOCUMENTS, GUIDE, ROOT, anchors, blocks, is_run, links, prose
from tests.e2e.reader import NOT_TYPED, STAND_INS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sandbox import Sandbox

TYPED = "\n".join(block.text for block in blocks("sh", "console", "crontab"))

PROGRAMS = {
    *re.findall(r"(?:^|[|&] |\$ )([.a-z][\w./-]+) ", TYPED, re.MULTILINE),
    *("bash", "curl", "docker", "git", "jq", "kill"),
    *("pip", "pytest", "python", "sh", "uv", "uvx"),
}

SAID = {
    "psql -f models.sql": "tests/docs/test_analysis.py runs that file",
    "duckdb output/prod.duckdb -f models.sql": "tests/docs/test_analysis.py does so",
    "make --silent sql > models.sql": "tests/dbt/project.py runs what it runs",
    "make --silent sql PROVIDERS=research > models.sql": "tests/dbt/test_build.py does so",
    "dbt source freshness": "tests/dbt/test_build.py runs it",
    "dbt docs generate --static": "tests/dbt/test_build.py runs it",
    "dbt build --exclude-resource-type unit_test": "tests/dbt/test_install.py sets it",
    "python -m benchmarks.unfollows": "tests/docs/test_planning.py runs it",
    "make test-guides": ".ci/run runs it",
    "make test-airflow": ".ci/run runs it",
    "make test-warehouses": ".ci/run runs it",
    "make bench": "nothing: it needs an idle machine",
    "make lint": "a part of `make test`",
    "make types": "a part of `make test`",
    "make pytest": "a part of `make test`",
    "--port": "tests/e2e/guides/test_sandbox_readme.py gives it",
    "--seed": "tests/e2e/guides/test_sandbox_readme.py gives it",
    "--usernames N": "tests/e2e/guides/test_sandbox_readme.py gives it",
    "--scenario FILE.json": "tests/e2e/guides/test_sandbox_readme.py gives it",
    "--state-id-suffix": "nothing: the sentence warns of it",
    "meltano state merge": "nothing: the sentence warns of it",
}
"""What sentences tell to type and no block does, and what runs it."""

STATE_KEYS = {"known", "resume", "outcome", "visited_at", "whole_scanned_at"}
DBT = ROOT / "dbt"
NOT_OURS = {
    *("log_id", "request_id"),  # the providers'
    *("my_usernames", "main_tiktok_following", "tiktok_following"),  # schemas, a seed
    *("max_active_runs", "send_anonymous_usage_stats", "batch_size_rows"),  # other tools'
    "persist_docs",
    "tiktok_providers",  # a variable of the dbt package
}


each_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=[path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
)


def test_every_block_is_run() -> None:
    for path in (ROOT / "tests").rglob("test_*.py"):
        if "@runs(" in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert not [b for b in blocks() if b.language not in NOT_TYPED and not is_run(b)]


@each_document
def test_every_fence_is_that_of_a_block(path: Path) -> None:
    fences = re.findall(r"^[ >*-]*(?:```|~~~)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * sum(block.path == path for block in blocks())


@each_document
def test_every_command_in_a_sentence_is_run(path: Path) -> None:
    """In a block of output as well."""
    told = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(path))]
    for block in blocks("text"):
        told += block.text.splitlines() if block.path == path else []
    commands = {code for code in told if code.startswith("--") or is_command(code)}
    assert not [code for code in commands - SAID.keys() if code not in TYPED]


def is_command(code: str) -> bool:
    program, _, arguments = code.removeprefix("$ ").partition(" ")
    return bool(arguments) and program in PROGRAMS


def test_exceptions_are_needed() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert not [written for written in (*STAND_INS, *SAID) if written not in text]


@pytest.fixture(scope="module")
def tap() -> TapTikTokFollowing:
    config = {"usernames": ["ada"], "research_access_token": "clt.1", "rapidapi_key": "key.1"}
    return TapTikTokFollowing(config=config)


@each_document
def test_links_lead_somewhere(path: Path) -> None:
    assert links(path)
    for link in links(path):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https"
            continue
        target = (path.parent / parts.path).resolve() if parts.path else path
        assert target.exists(), link
        assert not parts.fragment or parts.fragment in anchors(target), link


def test_names_exist(tap: TapTikTokFollowing) -> None:
    """Whatever looks like one of our names, in code marks, is one."""
    known = {*tap.config_jsonschema["properties"], *STATE_KEYS, *NOT_OURS, *models()}
    known |= {outcome.value for outcome in Outcome}
    for stream in tap.streams.values():
        known |= {stream.name, *stream.schema["properties"]}
    for path in GUIDE:
        named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)(?:`|: )", prose(path)))
        assert not named - known, path.name


def models() -> set[str]:
    """The names of the dbt package: models, their columns, and variables."""
    described = [
        model
        for path in (DBT / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", ())
    ]
    columns = [column["name"] for model in described for column in model.get("columns", ())]
    tables = {model["name"].rpartition("__")[2] for model in described}
    variables = yaml.safe_load((DBT / "dbt_project.yml").read_text("utf-8"))["vars"]
    tests = {path.stem for path in (DBT / "tests").glob("*.sql")}
    return tables | tests | {*columns, *variables}


def test_environment_variables_exist(tap: TapTikTokFollowing) -> None:
    settings = {name.upper() for name in tap.config_jsonschema["properties"]} | {"LOGLEVEL"}
    for path in GUIDE:
        named = re.findall(r"TAP_TIKTOK_FOLLOWING_(\w+)", path.read_text(encoding="utf-8"))
        assert set(named) <= settings, path.name


def test_hosts_are_named(tap: TapTikTokFollowing) -> None:
    text = (ROOT / "docs" / "security-and-privacy.md").read_text(encoding="utf-8")
    properties = tap.config_jsonschema["properties"]
    urls = [p["default"] for name, p in properties.items() if name.endswith("_api_url")]
    assert len(urls) == len(harness.PROVIDERS)
    assert set(re.findall(r"^\| `(\S+)` \|", text, re.MULTILINE)) == {
        urlsplit(url).netloc for url in urls
    }


@pytest.mark.parametrize("name", ["README.md", "docs/troubleshooting.md"])
def test_verdicts_are_explained(name: str) -> None:
    table = [
        f"| {_capital(happened)} | {_capital(verdict.effect.value)} | {_capital(advice)} |"
        for verdict in Verdict
        for happened, advice in _sentences(verdict)
    ]
    assert "\n".join(table) in (ROOT / name).read_text(encoding="utf-8")


def _sentences(verdict: Verdict) -> Iterable[tuple[str, str]]:
    """What happened and what to do: the providers' own sentences about credentials."""
    if verdict is not Verdict.BAD_CREDENTIALS:
        return [(verdict.happened, verdict.advice)]
    rules = [rule for provider in PROVIDERS for rule in provider.rules]
    return dict.fromkeys((r.happened, r.advice) for r in rules if r.verdict is verdict)


@pytest.mark.parametrize("name", ["README.md", "docs/running.md"])
def test_exit_codes_are_explained(name: str) -> None:
    rows = re.findall(
        r"^\| ([\d, ]+) \|", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    )
    named = {int(code) for row in rows for code in row.split(",")}
    by_signal = {143, 130, 129}
    assert named == {exits.OK, *map(exits.of_verdict, Verdict)} | by_signal


def test_nothing_is_written_to_disk(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world.follow("ada", "zed", at=harness.NOW - 1000)
    process = harness.start(
        tmp_path,
        harness.settings(sandbox, ["ada"]),
        HOME=str(tmp_path),
        TMPDIR=str(tmp_path),
        TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG",
    )
    run = harness.finish(process)
    assert run.exit_code == 0
    assert run.text("DEBUG")
    assert [path.name for path in tmp_path.rglob("*")] == ["config.json"]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
