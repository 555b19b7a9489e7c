"""Settings and streams are written down as the tap has them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dotenv import dotenv_values

from tap_tiktok_following.config.settings import SETTINGS
from tests.documents import ROOT, blocks
from tests.harness import bare, environment

if TYPE_CHECKING:
    from pathlib import Path

HUB_REQUIRES = {"name", "namespace", "variant", "quality"}

HUB_ALLOWS = HUB_REQUIRES | {
    *("capabilities", "commands", "definition", "description", "docs", "domain_url"),
    *("executable", "hidden", "keywords", "label", "log_parser", "logo_url"),
    *("maintenance_status", "metadata", "next_steps", "pip_url", "prereq", "python", "repo"),
    *("requires", "schema", "select", "settings", "settings_group_validation"),
    *("settings_preamble", "supported_python_versions", "usage"),
}

CREDENTIALS = (
    ["research_client_key", "research_client_secret"],
    ["research_access_token"],
    ["rapidapi_key"],
)

FILES = (
    ".env.example",
    "docs/settings.md",
    "docs/streams.md",
    "meltano.yml",
    "tap-tiktok-following.yml",
)

OWN = SETTINGS.to_dict()["properties"]
"""The tap's own settings, without those that the SDK adds."""

Definition = dict[str, Any]


def ask(option: str) -> dict[str, Any]:
    """What the tap prints without a config."""
    command = [sys.executable, "-m", "tap_tiktok_following", *option.split()]
    answer = subprocess.run(command, env=bare(), capture_output=True, check=True)
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def about() -> dict[str, Any]:
    return ask("--about --format=json")


@pytest.fixture(scope="module")
def hub() -> Definition:
    return read_yaml("tap-tiktok-following.yml")


@pytest.fixture(scope="module")
def project() -> Definition:
    """The tap as meltano.yml defines it."""
    extractor: Definition = read_yaml("meltano.yml")["plugins"]["extractors"][0]
    return extractor


@pytest.fixture(params=["hub", "project"])
def definition(request: pytest.FixtureRequest) -> Definition:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def read_yaml(name: str) -> Definition:
    return yaml.safe_load(read(name))  # type: ignore[no-any-return]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_definition_has_the_keys_that_the_hub_wants(hub: Definition) -> None:
    assert hub.keys() >= HUB_REQUIRES
    assert hub.keys() <= HUB_ALLOWS


def test_the_definition_is_of_this_tap(hub: Definition, about: dict[str, Any]) -> None:
    said = ("name", "description", "supported_python_versions")
    assert {name: hub[name] for name in said} == {name: about[name] for name in said}


def test_capabilities(definition: Definition, about: dict[str, Any]) -> None:
    assert definition["capabilities"] == sorted(about["capabilities"])


def test_setting_groups(definition: Definition) -> None:
    """Each way to give credentials goes with each way to give usernames."""
    assert definition["settings_group_validation"] == [
        [*credentials, usernames]
        for credentials in CREDENTIALS
        for usernames in ("usernames", "usernames_path")
    ]


def test_the_next_steps_are_those_of_the_readme(hub: Definition) -> None:
    place = (ROOT / "README.md", "With Meltano")
    steps = [block.text for block in blocks("sh") if (block.path, block.heading) == place]
    told = re.findall("```sh\n(.*?)```", hub["next_steps"], re.DOTALL)
    assert told == [steps[2]]


@pytest.fixture(scope="module")
def lines() -> str:
    """.env.example with nothing commented out."""
    return re.sub("^# (?=[A-Z_]+=)", "", read(".env.example"), flags=re.MULTILINE)


def test_environment_variables_in_a_shell(lines: str, tmp_path: Path) -> None:
    """The command that .env.example tells reads the file as Meltano does."""
    [command] = re.findall("`(set .+)` and run", lines)
    (tmp_path / ".env").write_text(lines, encoding="utf-8")
    script = f'{command}; exec "$0" -c "import json, os; print(json.dumps({{**os.environ}}))"'
    answer = subprocess.run(
        ["/bin/sh", "-ec", script, sys.executable],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=True,
    )
    values = dotenv_values(stream=StringIO(lines))
    assert values
    assert values.items() <= json.loads(answer.stdout).items()


def test_make_docs_changes_nothing(tmp_path: Path) -> None:
    """Settings and columns are in the documentation as the code has them."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = read(name)
        stale = re.sub(r"(make docs: (?!end).*\n)[\s\S]*?(.*make docs: end)", r"\1\2", text)
        assert stale.count("\n") < text.count("\n") - 10
        (tmp_path / name).write_text(stale, encoding="utf-8")
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), str(tmp_path)]
    subprocess.run(command, env=environment(), check=True)
    for name in FILES:
        assert (tmp_path / name).read_text(encoding="utf-8") == read(name), "run `make docs`"


def test_every_setting_and_column_is_in_the_documentation(about: dict[str, Any]) -> None:
    streams = ask("--discover")["streams"]
    columns = {name for stream in streams for name in stream["schema"]["properties"]}
    assert all(f"| `{name}` |" in read("docs/streams.md") for name in columns)
    for name in OWN:
        assert f"| `{name}` |" in read("docs/settings.md")
        assert f"TAP_TIKTOK_FOLLOWING_{name.upper()}=" in read(".env.example")
    for text in (read("meltano.yml"), read("tap-tiktok-following.yml")):
        named = {name.partition(".")[0] for name in re.findall(r"- name: ([\w.]+)", text)}
        assert about["settings"]["properties"].keys() <= named
