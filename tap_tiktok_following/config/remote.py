"""A file of usernames at a URL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import fsspec
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from tap_tiktok_following.config.problem import MAX_FILE, FileProblem
from tap_tiktok_following.config.urls import is_safe

if TYPE_CHECKING:
    from typing import BinaryIO

TIMEOUT = 60
"""Timeout in seconds for connecting, for each read and for a whole file over https."""

_CHUNK = 64 * 1024

_MISSING = frozenset({404, 410})

_CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (FileNotFoundError, "does not exist"),
    (PermissionError, "can't be read (access is denied: check the credentials)"),
    (requests.exceptions.SSLError, "can't be read (its certificate is not trusted)"),
    (requests.exceptions.Timeout, f"can't be read (no answer within {TIMEOUT} seconds)"),
    (TimeoutError, f"can't be read (it was not complete after {TIMEOUT} seconds)"),
    (requests.exceptions.ConnectionError, "can't be read (its host can't be reached)"),
    (ValueError, "is not a URL"),
)


def read(url: str) -> bytes:
    """The content of a file, truncated to one byte more than `MAX_FILE`.

    Web servers are read with requests, because fsspec would need another package for them and
    reports every failure as a missing file.

    Raises:
        FileProblem: If it cannot be read. The text contains no part of the URL.
    """
    try:
        is_web = urlsplit(url).scheme in {"http", "https"}
        return _read_web(url) if is_web else _read_storage(url)
    except FileProblem:
        raise
    except Exception as error:  # of whatever package opens the URL
        raise FileProblem(_in_words(error)) from error


def _read_web(url: str) -> bytes:
    parts = urlsplit(url)
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if not is_safe(address):
        problem = "must start with https://"
        raise FileProblem(problem)
    with requests.get(
        address,
        auth=_auth(url),
        hooks={"response": _check_redirect},
        timeout=TIMEOUT,
        stream=True,
    ) as response:
        if response.status_code in _MISSING:
            raise FileNotFoundError
        if not response.ok:
            problem = f"can't be read (HTTP {response.status_code})"
            raise FileProblem(problem)
        body, end = bytearray(), time.monotonic() + TIMEOUT
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > MAX_FILE:
                break
            if time.monotonic() > end:
                raise TimeoutError
        return bytes(body)


def _check_redirect(response: requests.Response, **_: object) -> None:
    target = urljoin(response.url, response.headers.get("Location", ""))
    if response.is_redirect and not is_safe(target):
        problem = "can't be read (it redirects to a URL that is not https)"
        raise FileProblem(problem)


def _auth(url: str) -> AuthBase:
    parts = urlsplit(url)
    if parts.username is None:
        return _NoAuth()
    return HTTPBasicAuth(unquote(parts.username), unquote(parts.password or ""))


class _NoAuth(AuthBase):
    """Keeps requests from reading `.netrc`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _read_storage(url: str) -> bytes:
    scheme = urlsplit(url).scheme
    if scheme not in fsspec.available_protocols():
        problem = f"can't be read (there is no file system for {scheme}://)"
        raise FileProblem(problem)
    file: BinaryIO
    with fsspec.open(url, "rb") as file:
        return file.read(MAX_FILE + 1)


def _in_words(error: Exception) -> str:
    for kind, words in _CAUSES:
        if isinstance(error, kind):
            return words
    if isinstance(error, ImportError):  # it names the package that is missing
        return f"can't be read ({error})"
    # The text of any other error may contain the URL.
    return f"can't be read ({type(error).__name__})"
