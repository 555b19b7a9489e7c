"""Warnings are errors in this suite, but for those of a Python that grows old."""

from __future__ import annotations

import datetime as dt
import warnings
from importlib.metadata import metadata

import pytest
from singer_sdk.helpers._compat import warn_python_eol

SUPPORTED = [
    name.rpartition("3.")[2]
    for name in metadata("tap-tiktok-following").get_all("Classifier") or []
    if "Python :: 3." in name
]


@pytest.mark.parametrize("minor", SUPPORTED)
@pytest.mark.parametrize("day", ["before", "after"])
def test_the_end_of_life_of_a_supported_python_breaks_no_test(minor: str, day: str) -> None:
    """It would be an error here, if pyproject.toml did not let it pass."""
    year = 2016 + int(minor)
    today = dt.date(year, 9 if day == "before" else 11, 1)
    warn_python_eol(today, (3, int(minor)))


def test_other_warnings_are_errors() -> None:
    with pytest.raises(UserWarning, match="another"):
        _warn()


def _warn() -> None:
    warnings.warn("another", stacklevel=1)
