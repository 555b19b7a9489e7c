"""Which URLs are allowed in the config, and which parts of them may be shown."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from tap_tiktok_following import redaction

if TYPE_CHECKING:
    from urllib.parse import SplitResult

LONG = 8
"""Minimum length of a query value that may be a secret, such as a signature."""


def is_loopback(parts: SplitResult) -> bool:
    """Whether a URL points to this machine."""
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def is_safe(url: str) -> bool:
    """Whether nobody can read or change the content of a URL in transit."""
    parts = urlsplit(url)
    return parts.scheme != "http" or is_loopback(parts)


def without_credentials(location: str) -> str:
    """A path or URL without user, password, query and fragment, which may be secrets."""
    scheme, is_url, rest = location.partition("://")
    if not is_url:
        return location
    path = rest.partition("#")[0].partition("?")[0]
    host, slash, path = path.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def hide_credentials(location: str) -> None:
    """Hide the parts of a URL that may be secrets from every log line."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return
    values = [value for _, value in parse_qsl(parts.query) if len(value) >= LONG]
    for secret in (parts.password, unquote(parts.password or ""), parts.query, *values):
        redaction.hide(secret)
