"""A file of usernames at a URL: over https, and in a store that speaks S3."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sandbox import World
from tap_tiktok_following.config.problem import MAX_FILE
from tap_tiktok_following.config.urls import without_credentials
from tap_tiktok_following.config.usernames import collect
from tests.harness import finish, follows_of, run, settings, start
from tests.server import TLS, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tests.harness import Run
    from tests.server import Received

SECRET = "canary-4711/+"
QUOTED = "canary-4711%2F%2B"
CSV = b"id;username\n1;ann\n2;@Ben\n3;a b\n"


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(TLS / "certificate.pem"))


def serving(**pages: Reply) -> Callable[[Received], Reply]:
    """A server's pages by the last part of their path; anything else is missing."""
    return lambda request: pages.get(
        request.target.partition("?")[0].rpartition("/")[2].partition(".")[0], Reply(404)
    )


def problem(url: str) -> str:
    found = collect({"usernames": ["ann"], "usernames_path": url})
    assert (found.names, found.malformed) == ([], [])
    return found.problem


def check_was_read(ended: Run) -> None:
    assert ended.exit_code == 0
    assert {name: row["outcome"] for name, row in ended.scans("rapidapi").items()} == {
        "ann": "complete",
        "ben": "complete",
        "a b": "invalid",
    }


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of({"ann": follows_of("ann", 2), "ben": follows_of("ben", 1)})
    return sandbox


# Over https.


def test_a_list_over_https_and_no_credential_in_the_log(
    lists: Sandbox, tmp_path: Path
) -> None:
    expected = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()

    def answer(request: Received) -> Reply:
        is_known = request.headers.get("authorization") == expected
        return Reply(body=CSV) if is_known else Reply(401)

    with Server(answer, tls=True) as server:
        host = server.url.removeprefix("https://")
        url = f"https://me:{QUOTED}@{host}/lists/follows.csv?signature={QUOTED}&v=2"
        config = {**settings(lists, [], "rapidapi"), "usernames_path": url}
        ended = finish(
            start(
                tmp_path,
                config,
                REQUESTS_CA_BUNDLE=str(TLS / "certificate.pem"),
                TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG",
            )
        )
    check_was_read(ended)
    [request] = server.received  # once, though the config is validated and then run
    assert request.target == f"/lists/follows.csv?signature={QUOTED}&v=2"
    assert ended.text("DEBUG")
    for secret in (SECRET, QUOTED, expected.removeprefix("Basic ")):
        assert secret not in ended.stdout + ended.stderr


def test_a_problem_names_the_url_without_its_credentials(sandbox: Sandbox) -> None:
    url = f"https://me:{QUOTED}@127.0.0.1:9/list.csv?signature={QUOTED}#{QUOTED}"
    ended = run({**settings(sandbox, [], "rapidapi"), "usernames_path": url})
    assert (ended.exit_code, ended.stdout, sandbox.requests) == (1, "", [])
    assert ended.last_line == (
        "The config has a problem: `usernames_path` (https://127.0.0.1:9/list.csv) "
        "can't be read (its host can't be reached)."
    )
    assert "4711" not in ended.stderr


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Reply(404), "does not exist"),
        (Reply(410), "does not exist"),
        (Reply(403), "can't be read (HTTP 403)"),
        (Reply(500), "can't be read (HTTP 500)"),
        (Reply(body=b"\x89PNG\xff"), "is not a UTF-8 text file"),
        (Reply(body=b"name,id\nann,1\n"), "has no column `username` (its columns: name, id)"),
        (Reply(body=bytes(MAX_FILE + 1)), "is larger than 64 MB"),
        (
            Reply(302, headers={"Location": "http://192.0.2.1/list.csv"}),
            "can't be read (it redirects to a URL that is not https)",
        ),
    ],
    ids=["404", "410", "403", "500", "no text", "no column", "too large", "redirect to http"],
)
def test_the_same_bounds_and_errors_as_of_a_local_file(page: Reply, said: str) -> None:
    with Server(serving(list=page), tls=True) as server:
        assert problem(f"{server.url}/list.csv") == said


@pytest.mark.usefixtures("trusted")
def test_a_redirect_is_followed() -> None:
    moved = Reply(302, headers={"Location": "/new.csv"})
    with Server(serving(old=moved, new=Reply(body=CSV)), tls=True) as server:
        found = collect({"usernames_path": f"{server.url}/old.csv"})
    assert (found.names, found.malformed, found.problem) == (["ann", "ben"], ["a b"], "")


def test_a_certificate_that_is_not_trusted() -> None:
    with Server(serving(list=Reply(body=CSV)), tls=True) as server:
        said = problem(f"{server.url}/list.csv")
    assert (said, server.received) == ("can't be read (its certificate is not trusted)", [])


def test_without_tls_only_from_this_machine() -> None:
    with Server(serving(list=Reply(body=CSV))) as server:
        assert collect({"usernames_path": f"{server.url}/list.csv"}).names == ["ann", "ben"]
    assert problem("http://192.0.2.1/list.csv") == "must start with https://"


@pytest.mark.parametrize("url", ["https://", "https://[example.com/list.csv"])
def test_what_is_no_url(url: str) -> None:
    assert problem(url) == "is not a URL"


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password no\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server(serving(list=Reply(body=CSV))) as server:
        assert collect({"usernames_path": f"{server.url}/list.csv"}).names
    assert "authorization" not in server.received[0].headers


# In a store.


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """Variables that lead to a store with a bucket `lists`."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    client = boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="lists")
    contents = {"follows.csv": CSV, "empty.txt": b"", "large.txt": bytes(MAX_FILE + 1)}
    for key, body in contents.items():
        client.put_object(Bucket="lists", Key=key, Body=body)
    yield variables
    server.stop()


def test_a_list_in_s3(lists: Sandbox, store: dict[str, str], tmp_path: Path) -> None:
    path = "s3://lists/follows.csv"
    config: dict[str, Any] = {**settings(lists, [], "rapidapi"), "usernames_path": path}
    ended = finish(start(tmp_path, config, **store, TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG"))
    check_was_read(ended)
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("s3://lists/none.csv", "does not exist"),
        ("s3://nowhere/follows.csv", "does not exist"),
        ("s3://lists/empty.txt", "contains no username"),
        ("s3://lists/large.txt", "is larger than 64 MB"),
        (
            "gs://lists/follows.csv",
            "can't be read (Please install gcsfs to access Google Storage)",
        ),
        ("ftps://lists/follows.csv", "can't be read (there is no file system for ftps://)"),
    ],
)
def test_what_is_wrong_with_a_list_in_a_store(
    sandbox: Sandbox, store: dict[str, str], tmp_path: Path, path: str, said: str
) -> None:
    config = {**settings(sandbox, [], "rapidapi"), "usernames_path": path}
    ended = finish(start(tmp_path, config, **store))
    assert (ended.exit_code, ended.stdout, sandbox.requests) == (1, "", [])
    assert ended.last_line == f"The config has a problem: `usernames_path` ({path}) {said}."
    assert "Traceback" not in ended.stderr


# What is shown.


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("lists/a b?.txt", "lists/a b?.txt"),
        ("https://example.com/list.csv", "https://example.com/list.csv"),
        ("https://me:pw@example.com:8443/a@b.csv?key=x#y", "https://example.com:8443/a@b.csv"),
        ("s3://key:secret@lists/a.csv", "s3://lists/a.csv"),
    ],
)
def test_credentials_are_not_shown(location: str, shown: str) -> None:
    assert without_credentials(location) == shown
