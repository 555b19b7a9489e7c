"""The follows of many usernames, by dlt's REST client in a parallelised transformer.

Called with a JSON file of the settings that `plain_tap` has, and the DuckDB file to load into.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator


def main(settings: str, database: str) -> None:
    """Load the lists of all usernames.

    One transformer reads them all: with one resource per username, dlt reaches Python's
    recursion limit at about 1,000 usernames.
    """
    config = json.loads(Path(settings).read_text(encoding="utf-8"))
    client = RESTClient(
        base_url=config["research_api_url"],
        auth=OAuth2ClientCredentials(
            access_token_url=f"{config['research_api_url']}/v2/oauth/token/",
            client_id=config["research_client_key"],
            client_secret=config["research_client_secret"],
            # The API's own name for the client's id.
            access_token_request_data={"client_key": config["research_client_key"]},
        ),
        paginator=JSONResponseCursorPaginator(
            cursor_path="data.cursor", cursor_body_path="cursor", has_more_path="data.has_more"
        ),
        data_selector="data.user_following",
    )

    @dlt.transformer(parallelized=True)
    def following(username: str) -> Iterator[list[dict[str, Any]]]:
        body = {"username": username, "max_count": 100}
        for page in client.paginate("/v2/research/user/following/", method="POST", json=body):
            yield [{**account, "follower_username": username} for account in page]

    usernames = dlt.resource(config["usernames"], name="usernames")
    destination = dlt.destinations.duckdb(database)
    pipeline = dlt.pipeline("research", destination=destination, dataset_name="tiktok")
    pipeline.run(usernames | following)


if __name__ == "__main__":
    main(*sys.argv[1:])
