"""The Research API's token endpoint, and the access tokens that it issues."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from uuid import uuid4

from sandbox.endpoint import Endpoint, Refused, Response
from sandbox.faults import spoil

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.endpoint import LoggedRequest
    from sandbox.server import Sandbox

CLIENT_KEY = "sandbox-client-key"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - it opens nothing but the sandbox


def log_id(now: float) -> str:
    """Return a number in the provider's log: digits that begin with the time."""
    return f"{int(now * 1000):014d}{uuid4().int % 10**19:019d}"


class Tokens(Endpoint):
    """`POST /v2/oauth/token/`: issues access tokens, and knows which of them are valid."""

    provider = "token"
    rate_error = (429, "rate_limit_exceeded", "The API rate limit was exceeded.")

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._valid_until: dict[str, float] = {}

    def accepts(self, token: str) -> bool:
        """Return whether a token was issued here and is neither expired nor revoked."""
        return self.sandbox.clock.now() < self._valid_until.get(token, 0.0)

    def revoke_all(self) -> None:
        """Revoke all tokens issued so far."""
        self._valid_until.clear()

    def respond(self, request: Request, body: bytes, entry: LoggedRequest) -> Response:
        """Return a new token. As in the real API, a wrong client gets an error in HTTP 200."""
        self._check(request, body)
        token, life = f"clt.{uuid4().hex}", self.sandbox.scenario.token_life
        self._valid_until[token] = self.sandbox.clock.now() + life
        response = Response.of(
            {"access_token": token, "expires_in": life, "token_type": "Bearer"}
        )
        for fault in self.sandbox.scenario.faults:
            if fault.hits(entry.provider, None, None):
                return spoil(self, response, fault)
        return response

    def error(self, status: int, code: str, message: str) -> Response:
        """Return an error in the form of the token endpoint."""
        log = log_id(self.sandbox.clock.now())
        payload = {"error": code, "error_description": message, "log_id": log}
        return Response.of(payload, status)

    def _check(self, request: Request, body: bytes) -> None:
        if request.method != "POST":
            self._refuse(405, "invalid_request", "Only POST is supported.")
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if media_type != "application/x-www-form-urlencoded":
            self._refuse(400, "invalid_request", "Only form-encoded bodies are supported.")
        form = {key: values[0] for key, values in parse_qs(body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            self._refuse(400, "unsupported_grant_type", "Grant type is not supported.")
        if (form.get("client_key"), form.get("client_secret")) != (CLIENT_KEY, CLIENT_SECRET):
            self._refuse(200, "invalid_client", "Client key or secret is incorrect.")

    def _refuse(self, status: int, code: str, message: str) -> None:
        raise Refused(self.error(status, code, message))
