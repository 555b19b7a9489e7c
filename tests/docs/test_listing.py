"""Settings and columns are in the documentation as the code has them."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from io import StringIO
from pathlib import Path

import yaml
from dotenv import dotenv_values

from tap_tiktok_following.config.settings import SETTINGS
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.documents import ROOT
from tests.harness import environment

CREDENTIALS = (
    ["research_client_key", "research_client_secret"],
    ["research_access_token"],
    ["rapidapi_key"],
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_make_docs_changes_nothing(tmp_path: Path) -> None:
    generator = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    for name in generator["FILES"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        emptied = re.sub(
            r"(make docs: (?!end).*\n)[\s\S]*?(.*make docs: end)", r"\1\2", read(name)
        )
        assert emptied != read(name)
        (tmp_path / name).write_text(emptied, encoding="utf-8")
    generator["main"](tmp_path)
    for name in generator["FILES"]:
        assert (tmp_path / name).read_text(encoding="utf-8") == read(name), "run `make docs`"


def test_meltano_knows_capabilities_and_settings() -> None:
    """Each way to give credentials goes with each way to give usernames."""
    tap = TapTikTokFollowing(validate_config=False)
    hub = yaml.safe_load(read("tap-tiktok-following.yml"))
    [project, *_] = yaml.safe_load(read("meltano.yml"))["plugins"]["extractors"]
    for definition in (hub, project):
        assert definition["capabilities"] == sorted(each.value for each in tap.capabilities)
        named = {setting["name"].partition(".")[0] for setting in definition["settings"]}
        assert named == tap.config_jsonschema["properties"].keys()
        secret = {s["name"] for s in definition["settings"] if s.get("sensitive")}
        assert secret == {"research_client_secret", "research_access_token", "rapidapi_key"}
        assert definition["settings_group_validation"] == [
            [*credentials, usernames]
            for credentials in CREDENTIALS
            for usernames in ("usernames", "usernames_path")
        ]


def test_shell_reads_the_example_of_an_env_file_as_meltano_does(tmp_path: Path) -> None:
    """With the command that it tells, and with nothing commented out."""
    lines = re.sub("^# (?=[A-Z_]+=)", "", read(".env.example"), flags=re.MULTILINE)
    [command] = re.findall("`(set .+)` and run", lines)
    (tmp_path / ".env").write_text(lines, encoding="utf-8")
    script = f'{command}; exec "$0" -c "import json, os; print(json.dumps({{**os.environ}}))"'
    printed = subprocess.run(
        ["/bin/sh", "-ec", script, sys.executable],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=True,
    ).stdout
    values = dotenv_values(stream=StringIO(lines))
    assert len(values) == len(SETTINGS.to_dict()["properties"])
    assert values.items() <= json.loads(printed).items()
