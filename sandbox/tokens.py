"""The Research API's token endpoint and the access tokens that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from uuid import uuid4

from sandbox.api import Answer, Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.api import Stage

CLIENT_KEY = "sandbox-client-key"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - it opens nothing but the sandbox


def log_id(now: float) -> str:
    """An answer's number in the provider's log: digits that begin with the time."""
    return f"{int(now * 1000):014d}{uuid4().int % 10**19:019d}"


class Tokens:
    """Gives access tokens and knows which of them are good, by the sandbox's clock.

    Args:
        stage: What the answers depend on.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._good_until: dict[str, float] = {}

    def accepts(self, token: str) -> bool:
        """Whether a token was given here and is neither expired nor revoked."""
        return self._stage.clock.now() < self._good_until.get(token, 0.0)

    def revoke_all(self) -> None:
        """Accept no token that was given so far."""
        self._good_until.clear()

    def answer(self, request: Request, body: bytes) -> Answer:
        """A new access token.

        Raises:
            Refusal: If the request is not as documented, or the client unknown. As with the
                real endpoint, the latter comes with HTTP 200.
        """
        self._check(request, body)
        token = f"clt.{uuid4().hex}"
        life = self._stage.scenario.token_life
        self._good_until[token] = self._stage.clock.now() + life
        return Answer.of({"access_token": token, "expires_in": life, "token_type": "Bearer"})

    def error(self, status: int, code: str, message: str) -> Answer:
        """An error in the form of the token endpoint."""
        return Answer.of(
            {
                "error": code,
                "error_description": message,
                "log_id": log_id(self._stage.clock.now()),
            },
            status,
        )

    def too_fast(self) -> Answer:
        """The answer to requests that come too fast."""
        return self.error(429, "rate_limit_exceeded", "The API rate limit was exceeded.")

    def _check(self, request: Request, body: bytes) -> None:
        if request.method != "POST":
            raise Refusal(self.error(405, "invalid_request", "Only POST is supported."))
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != "application/x-www-form-urlencoded":
            raise Refusal(self._bad_request("Only form-encoded bodies are supported."))
        form = {key: values[0] for key, values in parse_qs(body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            raise Refusal(
                self.error(400, "unsupported_grant_type", "Grant type is not supported.")
            )
        if (form.get("client_key"), form.get("client_secret")) != (CLIENT_KEY, CLIENT_SECRET):
            raise Refusal(
                self.error(200, "invalid_client", "Client key or secret is incorrect.")
            )

    def _bad_request(self, message: str) -> Answer:
        return self.error(400, "invalid_request", message)
