"""The follows of many usernames, by dlt's REST client in a parallelised transformer.

Called with a URL, a client key, a client secret, a file with one username per line, and the
path of the DuckDB file to load into.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlt.extract import DltResource


class ClientAccessToken(OAuth2ClientCredentials):
    """The Research API's client access token."""

    def build_access_token_request(self) -> dict[str, Any]:
        """Return the token request: the API has its own name for the client's id."""
        return {
            "headers": {"Cache-Control": "no-cache"},
            "data": {
                "client_key": self.client_id,
                "client_secret": self.client_secret,
                "grant_type": "client_credentials",
            },
        }


@dlt.source(name="research")
def research(client: RESTClient, usernames: list[str]) -> DltResource:
    """The follows of all usernames.

    One transformer reads them all: with one resource per username, dlt reaches Python's
    recursion limit at about 1,000 usernames.
    """

    @dlt.resource(selected=False)
    def names() -> Iterator[str]:
        yield from usernames

    @dlt.transformer(data_from=names, parallelized=True)
    def following(username: str) -> Iterator[list[dict[str, Any]]]:
        body = {"username": username, "max_count": 100}
        for page in client.paginate("/v2/research/user/following/", method="POST", json=body):
            yield [{**account, "follower_username": username} for account in page]

    return following


def main(url: str, client_key: str, client_secret: str, usernames: str, database: str) -> None:
    """Load the lists of all usernames."""
    client = RESTClient(
        base_url=url,
        auth=ClientAccessToken(
            access_token_url=f"{url}/v2/oauth/token/",
            client_id=client_key,
            client_secret=client_secret,
        ),
        paginator=JSONResponseCursorPaginator(
            cursor_path="data.cursor", cursor_body_path="cursor", has_more_path="data.has_more"
        ),
        data_selector="data.user_following",
    )
    source = research(client, Path(usernames).read_text(encoding="utf-8").split())
    destination = dlt.destinations.duckdb(database)
    dlt.pipeline("research", destination=destination, dataset_name="tiktok").run(source)


if __name__ == "__main__":
    main(*sys.argv[1:])
