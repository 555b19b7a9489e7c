"""Why no answer came, in plain words, without the internals of libraries' messages."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import urllib3.exceptions as failures

from tap_tiktok_following.text import clean
from tap_tiktok_following.verdicts import Refused, Verdict

_LONGEST = 100
"""Maximum number of characters quoted from a proxy or the operating system."""


@dataclass(frozen=True)
class Target:
    """The destination of requests, as messages name it.

    Attributes:
        host: The provider's host, with its port if the URL has one.
        setting: The setting that contains the URL.
        seconds: The timeout.
    """

    host: str
    setting: str
    seconds: float

    def lost(self, error: Exception) -> Refused:
        """The refusal that an error means which was raised in place of an answer."""
        if not _is_unreachable(error):
            return Refused(Verdict.PASSING, self._interrupted(error))
        reason = f"cannot reach {self.host} ({self._obstacle(error)})"
        places = "REQUESTS_CA_BUNDLE, clock" if _has_bad_certificate(error) else "network"
        advice = f"check {places}, proxy and `{self.setting}`"
        return Refused(Verdict.PASSING, reason, advice=advice)

    def _interrupted(self, error: Exception) -> str:
        if isinstance(error, (TimeoutError, failures.TimeoutError)):
            return f"{self.host} did not answer in full within {self.seconds} s"
        if isinstance(error, failures.DecodeError):
            return "the response could not be decompressed"
        return f"the connection to {self.host} was lost"

    def _obstacle(self, error: Exception) -> str:
        if isinstance(error, failures.ProxyError):
            return f"proxy: {self._obstacle(error.original_error)}"
        if isinstance(error, failures.SSLError):
            return _tls_problem(error)
        if isinstance(error, failures.NameResolutionError):
            return "name does not resolve"
        if isinstance(error, failures.NewConnectionError):
            return _in_words(error.__cause__ or error)
        if isinstance(error, failures.ConnectTimeoutError):
            return f"no connection within {self.seconds} s"
        return _in_words(error)


def _is_unreachable(error: Exception) -> bool:
    kinds = (
        failures.ProxyError,
        failures.ConnectTimeoutError,
        failures.NewConnectionError,
        failures.SSLError,
    )
    return isinstance(error, kinds)


def _has_bad_certificate(error: Exception) -> bool:
    return isinstance(error, failures.SSLError) and isinstance(
        error.args[0], ssl.SSLCertVerificationError
    )


def _tls_problem(error: failures.SSLError) -> str:
    problem = error.args[0]
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"certificate not accepted, {clean(problem.verify_message, _LONGEST)}"
    return "no TLS connection"


def _in_words(error: BaseException) -> str:
    said = getattr(error, "strerror", None) or str(error)
    return clean(said[:1].lower() + said[1:], _LONGEST)
