"""The HTTP server under the platforms' servers: real sockets on loopback, a simulated clock, faults of the way."""

import json
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from platforms.faults import TRANSPORT, Fault, FaultPlan

Clock = Callable[[], datetime]
MINUTE = timedelta(minutes=1)


class SimulatedClock:
    """A clock that moves when it is told to; its `sleep` takes no time."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.slept = 0.0
        self._lock = Lock()

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        with self._lock:
            self.now += timedelta(seconds=seconds)
            self.slept += seconds

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        with self._lock:
            self.now += span


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers; `body` is sent as JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class PlatformServer:
    """Serves what `answer` gives, unless the plan deals a fault; use as a context manager.

    Attributes
    ----------
    requests
        All that was asked, in order.
    busiest_minute
        Most requests within any sixty seconds of the simulated clock, whatever was answered.
    """

    retry_after_seconds = 7
    hold_seconds = 2.0
    """How long a request that times out is left without an answer: longer than the client waits."""

    def __init__(self, clock: Clock, faults: FaultPlan | None = None) -> None:
        self.clock = clock
        self.faults = faults or FaultPlan()
        self.requests: list[Request] = []
        self.mistakes: list[BaseException] = []
        """Errors of the server itself; the first one is raised when it is closed."""
        self.busiest_minute = 0
        self._recent: deque[datetime] = deque()
        self._lock = Lock()
        self._released = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: else each answer waits 40 ms for an acknowledgement

            def do_GET(self) -> None:
                server._serve(self)

            def do_POST(self) -> None:
                server._serve(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                """Clients that are killed leave broken connections behind; all else is a mistake of ours."""
                error = sys.exception()
                if error is not None and not isinstance(error, OSError):
                    server.mistakes.append(error)

        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._serving = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._http.shutdown()
        self._serving.join()
        self._http.server_close()
        if self.mistakes:
            raise self.mistakes[0]

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer a request; `fault` is one that concerns the page, for the platform to play."""
        raise NotImplementedError

    def limit_headers(self, request: Request) -> Mapping[str, str]:
        """Give the headers with which the platform tells what remains of its limit."""
        del request
        return {}

    def note(self, request: Request) -> None:
        """Count a request."""
        with self._lock:
            self.requests.append(request)
            self._recent.append(request.at)
            while self._recent[0] <= request.at - MINUTE:
                self._recent.popleft()
            self.busiest_minute = max(self.busiest_minute, len(self._recent))

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("content-length") or 0)
        form = parse_qs(handler.rfile.read(length).decode()) if length else {}
        request = Request(
            method=handler.command,
            path=parts.path,
            query={name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()},
            headers={name.lower(): value for name, value in handler.headers.items()},
            form={name: values[0] for name, values in form.items()},
            at=self.clock(),
        )
        self.note(request)
        fault = self.faults.next()
        if fault is Fault.TIMEOUT:
            self._released.wait(self.hold_seconds)
            handler.close_connection = True
        elif fault is Fault.RESET:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
        elif fault in {Fault.LIMITED, Fault.LIMITED_BARE}:
            told = {"retry-after": str(self.retry_after_seconds)} if fault is Fault.LIMITED else {}
            self._send(handler, Reply(status=429, body={"message": "Too Many Requests", "error": 429}, headers=told))
        elif fault is Fault.SERVER_ERROR:
            self._send(handler, Reply(status=503, body=b"<html>upstream connect error</html>"))
        else:
            reply = self.answer(request, None if fault in TRANSPORT else fault)
            self._send(handler, reply, self.limit_headers(request), cut=fault is Fault.TRUNCATED)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        reply: Reply,
        extra: Mapping[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        body = (
            reply.body
            if isinstance(reply.body, bytes)
            else b""
            if reply.body is None
            else json.dumps(reply.body).encode()
        )
        handler.send_response(reply.status)
        headers = {"content-type": "application/json; charset=UTF-8", **(extra or {}), **reply.headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        if handler.close_connection:
            handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            handler.close_connection = True
