"""The sandbox: a server on a loopback port, in a thread of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from sandbox import rapidapi, research
from sandbox.scenario import Scenario
from sandbox.world import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from typing_extensions import Self

    from sandbox.endpoint import LoggedRequest
    from sandbox.world import World


class Sandbox:
    """Both providers and the token endpoint, as one local server.

    A context manager: the server runs inside it. While it runs, its world and scenario may be
    changed or replaced, and its clock advanced.

    Args:
        world: The accounts and their lists.
        scenario: What goes wrong; by default, nothing.
        clock: The time of the lists and responses; by default, the real time.
        port: The port to listen on; 0 for a free one.

    Attributes:
        clock: The time of the lists and responses.
        scenario: What goes wrong.
        requests: Every request received so far, in the order of arrival.
        used: Number of requests that count for the quota, by provider and day.
        tokens: The access tokens of the Research API.
        url: The base URL of both providers.
        config: The settings of the tap for the sandbox: credentials and URLs, no usernames.
        env: The same settings as environment variables of the tap.

    Raises:
        OSError: If the port cannot be listened on.
    """

    def __init__(
        self,
        world: World,
        *,
        scenario: Scenario | None = None,
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        self.clock = clock or Clock()
        self.world = world
        self.scenario = scenario or Scenario()
        self.requests: list[LoggedRequest] = []
        self.used: Counter[tuple[str, int]] = Counter()
        self.tokens: research.Tokens = research.Tokens(self)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.config = {
            "research_client_key": research.CLIENT_KEY,
            "research_client_secret": research.CLIENT_SECRET,
            "rapidapi_key": rapidapi.KEY,
            "research_api_url": self.url,
            "rapidapi_api_url": self.url,
        }
        self.env = {f"TAP_TIKTOK_FOLLOWING_{k.upper()}": v for k, v in self.config.items()}
        self._server = self._make_server()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    @property
    def world(self) -> World:
        """The accounts and their lists; setting another world gives it the sandbox's clock."""
        return self._world

    @world.setter
    def world(self, world: World) -> None:
        self._world = world
        world.clock = self.clock

    def take_requests(self) -> list[LoggedRequest]:
        """Return the log and empty it; what a dead client sent is not in the next one."""
        # Requests are handled in the order they were sent; this one is not logged.
        connection = HTTPConnection(*self._socket.getsockname())
        connection.request("GET", "/")
        connection.getresponse()
        connection.close()
        taken, self.requests = self.requests, []
        return taken

    def transport(self, client: tuple[str, int]) -> asyncio.Transport:
        """Return the connection of a client, by its host and port."""
        connections = self._server.server_state.connections
        return next(c.transport for c in connections if getattr(c, "client", None) == client)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def _make_server(self) -> uvicorn.Server:
        app = Starlette(
            routes=[
                Route("/v2/oauth/token/", self.tokens),
                Route("/v2/research/user/following/", research.ResearchApi(self)),
                Route("/api/v1/users/{username}/following", rapidapi.RapidApi(self)),
            ],
            lifespan=self._lifespan,
        )
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        return uvicorn.Server(config)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        yield

    def _stop(self) -> None:
        # Clients of a silent or slow server would keep it from stopping.
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        self._server.should_exit = True
