"""Plain servers that respond as a test tells them to, where the sandbox is too faithful."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import Self, override

from tests.harness import FIXTURES, QUICK, Run, run

TLS = FIXTURES / "tls"


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    target: str  # what stands behind the method: a path; or a whole URL, at a proxy
    headers: dict[str, str]  # their names in lower case
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered. `Content-Length` is added."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """A context manager: it listens on a free loopback port inside it.

    With `tls`, it speaks TLS, with the certificate in `TLS`.
    """

    def __init__(self, answer: Callable[[Received], Reply], *, tls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.received: list[Received] = []
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(self.path, headers, self.rfile.read(length))
        self.server.received.append(request)
        reply = self.server.answer(request)
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client has given up
            self.wfile.write(reply.body)

    # The names that the server looks for.
    do_POST = do_CONNECT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Raw:
    """A server that writes bytes as they are; a context manager that gives its URL.

    After the last response on each connection it reads one more request, and closes it.
    """

    def __init__(self, *connections: Sequence[bytes]) -> None:
        self._connections = connections
        self._socket = self._connection = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        for open_one in (self._socket, self._connection):
            with contextlib.suppress(OSError):
                open_one.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        for responses in self._connections:
            with contextlib.suppress(OSError):
                self._connection, _ = self._socket.accept()
                with self._connection:
                    self._respond(responses)

    def _respond(self, responses: Sequence[bytes]) -> None:
        for response in responses:
            self._connection.recv(65536)
            self._connection.sendall(response)
        self._connection.recv(65536)


class Dripping(Raw):
    """A server whose first response never ends; the one on the next connection is `{}`.

    After `head` comes `drop`, again and again.
    """

    def __init__(self, head: bytes, drop: bytes) -> None:
        super().__init__([head], [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
        self._drop = drop

    @override
    def _respond(self, responses: Sequence[bytes]) -> None:
        self._connection.recv(65536)
        self._connection.sendall(responses[0])
        while True:
            self._connection.sendall(self._drop)
            time.sleep(0.02)


def read_from(url: str, *usernames: str, **more: object) -> Run:
    """Run the tap over lists of a server that speaks as RapidAPI does."""
    config = {"rapidapi_api_url": url, "rapidapi_key": "k3y", "usernames": list(usernames)}
    return run({**QUICK, **config, **more})
