"""meltano.yml says of the tap what the tap says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

MELTANO_YML = Path(__file__).parents[1] / "meltano.yml"


@pytest.fixture(scope="module")
def about() -> dict[str, Any]:
    command = [sys.executable, "-m", "tap_tiktok_following", "--about", "--format=json"]
    answer = subprocess.run(command, capture_output=True, check=True).stdout
    return json.loads(answer)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def extractor() -> dict[str, Any]:
    project = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))
    return project["plugins"]["extractors"][0]  # type: ignore[no-any-return]


def test_capabilities(extractor: dict[str, Any], about: dict[str, Any]) -> None:
    assert extractor["capabilities"] == sorted(about["capabilities"])


def test_settings(extractor: dict[str, Any], about: dict[str, Any]) -> None:
    properties = about["settings"]["properties"]
    assert extractor["settings"] == [setting(name, properties[name]) for name in properties]


def test_setting_groups(extractor: dict[str, Any], about: dict[str, Any]) -> None:
    grouped = {name for group in extractor["settings_group_validation"] for name in group}
    assert grouped <= about["settings"]["properties"].keys()


def setting(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Translate a property of the tap's config schema to Meltano's words."""
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
    if schema.get("format") == "date-time":
        return "date_iso8601"
    json_type: str = schema["type"][0]
    return "decimal" if json_type == "number" else json_type
