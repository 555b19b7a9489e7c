"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

INSTALL = (
    "apt-get --quiet update; "
    "apt-get --quiet install --yes --no-install-recommends chromium fonts-dejavu-core"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, which is installed with apt-get where it is missing and may be.

    Raises:
        pytest.skip.Exception: If there is no Chromium, except in CI.
        pytest.fail.Exception: If there is none in CI.
    """
    if _find() is None and os.geteuid() == 0:
        variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["sh", "-c", INSTALL]
        subprocess.run(install, check=False, env=variables, stdout=subprocess.DEVNULL)
    path = _find()
    if path is None:
        give_up = pytest.fail if "CI" in os.environ else pytest.skip
        give_up("Chromium is missing: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def _find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)
