"""A chat endpoint on this machine, as OpenAI's is: it answers by a script, and keeps what it was asked."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from classifiers.codebook import Category

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}


def entry(post, **changes):
    """What a good model says of a post: late ones are `latency`, praise `satisfaction`, everything else `other`."""
    text = post["text"].lower()
    name = "latency" if "slow" in text else "satisfaction" if "love" in text else "other"
    return {
        "id": post["id"],
        "p_relevant": 0.95 if "grok" in text else 0.05,
        "probabilities": {category.value: 0.9 if category == name else 0.02 for category in Category},
        "polarity": "neutral",
        "aspects": ["speed"] if name == "latency" else [],
    } | changes


def answer(labels, **changes):
    """A whole reply: status, headers, body."""
    text = labels if isinstance(labels, str) else json.dumps({"labels": labels})
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": USAGE} | changes
    return 200, {}, body


def good(posts, _):
    """Answer as a good model does."""
    return answer([entry(post) for post in posts])


def refusal(status, message="no", headers=None, **more):
    """A reply that refuses."""
    return status, headers or {}, {"error": {"message": message} | more}


class ChatServer:
    """`script` is called with the posts of a request and its whole body, and gives status, headers and body."""

    def __init__(self, script: Callable) -> None:
        self.script = script
        self.asked: list[dict] = []
        self.headers: list[dict] = []

    def posts(self) -> list[list[str]]:
        """The texts of each request."""
        return [[post["text"] for post in posts_of(body)] for body in self.asked]


def posts_of(body):
    """The posts in a request."""
    return json.loads(body["messages"][-1]["content"])["posts"]


@contextmanager
def serving(script: Callable = good):
    """Serve on a free port; gives the server and its base URL."""
    server = ChatServer(script)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(body)
            server.headers.append(dict(self.headers))
            status, headers, given = server.script(posts_of(body), body)
            sent = given if isinstance(given, bytes) else json.dumps(given).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(sent))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
