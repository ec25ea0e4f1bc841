"""Real mail servers on this machine: one that takes mail, with and without TLS, and ones that misbehave to a script."""

import base64
import hashlib
import itertools
import random
import re
import secrets
import socket
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from digest.deliver import MailServer


@dataclass
class Inbox:
    """What the server took: envelopes, and the messages in them."""

    port: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    answer: str = "250 OK"
    envelopes: list = field(default_factory=list)

    @property
    def messages(self):
        return [message_from_bytes(envelope.content, policy=policy.default) for envelope in self.envelopes]

    def server(self, **options) -> MailServer:
        return MailServer(**{"host": "127.0.0.1", "port": self.port, "tls": "none", "timeout_seconds": 5.0} | options)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mail_server():
    """Give a function that starts a real SMTP server with aiosmtpd's options."""
    running = []

    def start(**options) -> Inbox:
        inbox = Inbox(port=free_port())
        controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port, **options)
        controller.start()
        running.append(controller)
        return inbox

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def inbox(mail_server) -> Inbox:
    """A mail server without TLS."""
    return mail_server()


@pytest.fixture
def login():
    """Options of a server that wants user `grok` with the password `watch`."""

    def check(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"grok", b"watch"), handled=False)

    return {"authenticator": check, "auth_required": True, "auth_require_tls": False}


@pytest.fixture
def scripted_server():
    """Give a function that starts a server with fixed answers by command; `END` is the end of a mail, None hangs up, an ellipsis falls silent."""
    stop = threading.Event()
    threads, sockets = [], []

    def start(**told) -> MailServer:
        answers = {"GREETING": "220 test", "DATA": "354 go on"} | told
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def serve():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                commands = itertools.chain(
                    ["GREETING"], (re.split(rb"[ :\r]", line)[0].upper().decode() for line in lines)
                )
                in_mail = False
                for command in commands:
                    if in_mail and command != ".":
                        continue
                    answer = answers.get("END" if command == "." else command, "250 OK")
                    in_mail = command == "DATA" and answer not in {None, ...} and answer.startswith("354")
                    if answer is None:
                        return
                    if answer is ...:
                        stop.wait(10)
                        return
                    connection.sendall(answer.encode() + b"\r\n")

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return MailServer(host="127.0.0.1", port=listener.getsockname()[1], tls="none", timeout_seconds=0.7)

    yield start
    stop.set()
    for listener in sockets:
        listener.close()
    for thread in threads:
        thread.join(5)


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1."""

    file: str
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Certificate:
    """A certificate that no one trusts until `SSL_CERT_FILE` names it."""
    folder = tmp_path_factory.mktemp("certificate")
    key, cert = _self_signed()
    (folder / "key.pem").write_text(key)
    (folder / "cert.pem").write_text(cert)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(str(folder / "cert.pem"), context)


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The certificate, trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", certificate.file)
    return certificate


# A certificate in DER, by hand: nothing in the development tools can make one.


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(size)]) + size + body


def _integer(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _pem(name: str, der: bytes) -> str:
    lines = re.findall(".{1,64}", base64.b64encode(der).decode())
    return "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""])


def _prime(bits: int) -> int:
    small = [n for n in range(3, 2000, 2) if all(n % m for m in range(3, int(n**0.5) + 1, 2))]
    while True:
        n = secrets.randbits(bits) | 1 | (3 << (bits - 2))
        if all(n % p for p in small) and all(_probable(n, random.randrange(2, n - 1)) for _ in range(8)):
            return n


def _probable(n: int, base: int) -> bool:
    d, r = n - 1, 0
    while d % 2 == 0:
        d, r = d // 2, r + 1
    x = pow(base, d, n)
    return x in {1, n - 1} or any((x := pow(x, 2, n)) == n - 1 for _ in range(r - 1))


def _self_signed() -> tuple[str, str]:
    e = 65537
    p, q = _prime(1024), _prime(1024)
    n, d = p * q, pow(e, -1, (p - 1) * (q - 1))
    key = _der(0x30, *map(_integer, (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))))
    null = b"\x05\x00"
    rsa = _der(0x30, bytes.fromhex("06092a864886f70d010101"), null)
    sha256_rsa = _der(0x30, bytes.fromhex("06092a864886f70d01010b"), null)
    name = _der(0x30, _der(0x31, _der(0x30, bytes.fromhex("0603550403"), _der(0x0C, b"Grokwatch test"))))
    now = datetime.now(UTC)
    times = [_der(0x17, f"{now + timedelta(days=days):%y%m%d%H%M%S}Z".encode()) for days in (-1, 30)]
    public = _der(0x30, rsa, _der(3, b"\0", _der(0x30, _integer(n), _integer(e))))
    alternative = _der(0x30, _der(0x87, bytes([127, 0, 0, 1])))
    extension = _der(0x30, bytes.fromhex("0603551d11"), _der(4, alternative))
    body = _der(
        0x30, _der(0xA0, _integer(2)), _integer(secrets.randbits(63) | 1), sha256_rsa, name, _der(0x30, *times), name,
        public, _der(0xA3, _der(0x30, extension)),
    )  # fmt: skip
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(body).digest()
    padded = b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
    signature = pow(int.from_bytes(padded, "big"), d, n).to_bytes(256, "big")
    return _pem("RSA PRIVATE KEY", key), _pem("CERTIFICATE", _der(0x30, body, sha256_rsa, _der(3, b"\0", signature)))
