"""What is written about the tap's settings and streams is what the tap says of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dotenv import dotenv_values

from tap_tiktok_following.config.settings import SECRETS, SETTINGS
from tests.documents import ROOT, blocks
from tests.harness import bare, environment
from tests.tables import tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tables import Table

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
def streams() -> dict[str, dict[str, Any]]:
    """The columns of each stream, as schemas by name."""
    entries = ask("--discover")["streams"]
    return {entry["tap_stream_id"]: entry["schema"]["properties"] for entry in entries}


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


def test_commands(definition: Definition) -> None:
    """They are scripts that come with the package."""
    scripts = {entry.name for entry in entry_points(group="console_scripts")}
    for command in definition["commands"].values():
        assert command["executable"] in scripts


def test_setting_groups(definition: Definition) -> None:
    """Each way to give credentials goes with each way to give usernames."""
    assert definition["settings_group_validation"] == [
        [*credentials, usernames]
        for credentials in CREDENTIALS
        for usernames in ("usernames", "usernames_path")
    ]


def test_settings_of_the_definition(hub: Definition, about: dict[str, Any]) -> None:
    schemas = listed(about["settings"]["properties"])
    assert hub["settings"] == [setting(name, schema) for name, schema in schemas.items()]


def test_settings_of_the_project(project: Definition, hub: Definition) -> None:
    """Meltano has no kind for passwords: it calls them sensitive texts."""
    kinds = {"password": "string"}
    assert project["settings"] == [
        setting | {"kind": kinds.get(setting["kind"], setting["kind"])}
        for setting in hub["settings"]
    ]


def listed(properties: dict[str, Any]) -> dict[str, Any]:
    """The settings that the Hub lists: of `faker_config` its parts, by name."""
    schemas: dict[str, Any] = {}
    for name, schema in properties.items():
        if name == "faker_config":
            schemas |= {f"{name}.{part}": s for part, s in schema["properties"].items()}
        else:
            schemas[name] = schema
    return schemas


def setting(name: str, schema: dict[str, Any]) -> Definition:
    """A property of the tap's config schema in the words of Meltano."""
    translated = {
        "name": name,
        "label": schema["title"],
        "kind": kind(schema),
        "description": schema["description"],
    }
    if "enum" in schema:
        translated["options"] = [{"label": v.capitalize(), "value": v} for v in schema["enum"]]
    if "default" in schema:
        translated["value"] = schema["default"]
    if schema.get("secret"):
        translated["sensitive"] = True
    return translated


def kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "options"
    if schema.get("secret"):
        return "password"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    if "oneOf" in schema:
        types = [choice["type"] for choice in schema["oneOf"]]
        return "array" if "array" in types else "string"
    json_type: str = schema["type"][0]
    return "decimal" if json_type == "number" else json_type


def test_the_next_steps_are_those_of_the_readme(hub: Definition) -> None:
    place = (ROOT / "README.md", "With Meltano")
    steps = [block.text for block in blocks("sh") if (block.path, block.heading) == place]
    told = re.findall("```sh\n(.*?)```", hub["next_steps"], re.DOTALL)
    assert told == [steps[2]]


@pytest.fixture(scope="module")
def lines() -> str:
    """.env.example with nothing commented out."""
    return re.sub("^# (?=[A-Z_]+=)", "", read(".env.example"), flags=re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is POSIX's")
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


def test_environment_variables(lines: str) -> None:
    """All settings are there, as comments or not; secrets hold nothing, defaults are true."""
    names = re.findall("^([A-Z_]+)=", lines, flags=re.MULTILINE)
    assert names == [f"TAP_TIKTOK_FOLLOWING_{name.upper()}" for name in OWN]
    values = {name: given(lines, name) for name in OWN}
    assert {values[name] for name in SECRETS} == {""}
    defaults = {name: str(s["default"]) for name, s in OWN.items() if "default" in s}
    assert {name: values[name] for name in defaults} == defaults
    assert json.loads(values["usernames"]) == ["charlidamelio", "khaby.lame"]


def given(lines: str, name: str) -> str:
    """What a line of an environment file gives a setting."""
    return dotenv_values(stream=StringIO(lines))[f"TAP_TIKTOK_FOLLOWING_{name.upper()}"] or ""


def test_settings_in_the_readme() -> None:
    [table] = [table for table in tables(read("README.md")) if table.header[0] == "Setting"]
    assert table.header == ["Setting", "Default", "What it does"]
    assert table.rows == [
        [name, str(schema.get("default", "")), schema["description"]]
        for name, schema in OWN.items()
    ]


def test_columns_in_the_readme(streams: dict[str, dict[str, Any]]) -> None:
    """A stream's columns are those of all tables that name it last above them."""
    described: dict[str, list[list[str]]] = {stream: [] for stream in streams}
    for table in tables(read("README.md")):
        if table.header[0] == "Column":
            assert table.header == ["Column", "Type", "Meaning"]
            for stream in named_last(table, streams):
                described[stream] += table.rows
    assert described == {
        stream: [[name, in_words(s), s["description"]] for name, s in columns.items()]
        for stream, columns in streams.items()
    }


def named_last(table: Table, streams: dict[str, dict[str, Any]]) -> list[str]:
    """The streams in the last line above a table that names any."""
    for line in reversed(table.above):
        if named := [stream for stream in streams if f"`{stream}`" in line]:
            return named
    return []


def in_words(schema: dict[str, Any]) -> str:
    json_type: str = schema["type"][0]
    return "time" if schema.get("format") == "date-time" else json_type
