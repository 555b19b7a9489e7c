"""Authentication, as in the template for OAuth 2."""

from __future__ import annotations

from singer_sdk.authenticators import OAuthAuthenticator, SingletonMeta
from typing_extensions import override


class PlainAuthenticator(OAuthAuthenticator, metaclass=SingletonMeta):
    """Gets the client access token."""

    @override
    @property
    def oauth_request_body(self) -> dict[str, str | None]:
        """The body of the request for a token."""
        return {
            "client_key": self.client_id,
            "client_secret": self.client_secret,
            "grant_type": "client_credentials",
        }
