"""The digest as a mail message, and its way over SMTP, with every refusal told in one sentence."""

import contextlib
import ipaddress
import re
import smtplib
import ssl
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Final, Literal

from digest.compose import Letter

SEVEN_BIT: Final = SMTP.clone(cte_type="7bit")
"""Every mail server takes it, 8BITMIME or not."""

OK: Final = 250
START_MAIL_INPUT: Final = 354
CLOSING: Final = 421
AUTHENTICATION_REQUIRED: Final = 530
PERMANENT: Final = 500


class DeliveryError(Exception):
    """The digest did not reach everyone; `mend` says what the user can do about it.

    `delivered` are the addresses for which the server took the mail nevertheless. `uncertain` is true where the connection
    broke after the mail was handed over and before the server answered: it may or may not arrive.
    """

    def __init__(self, message: str, *, mend: str, delivered: Iterable[str] = (), uncertain: bool = False) -> None:
        super().__init__(message)
        self.mend = mend
        self.delivered = tuple(delivered)
        self.uncertain = uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in; `tls` is how the connection is protected (`none` only for a server on this machine)."""

    host: str
    port: int = 587
    tls: Literal["starttls", "ssl", "none"] = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20.0

    @property
    def name(self) -> str:
        """Host and port, as an error names them."""
        return f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `name@example.org` or `Name <name@example.org>`.

    Raises
    ------
    DeliveryError
        It is no e-mail address, or one that only some servers take (letters beyond ASCII before the @).
    """
    found = getaddresses([text.strip()])
    name, spec = found[0] if len(found) == 1 else ("", "")
    user, at, domain = spec.rpartition("@")
    wrong = DeliveryError(
        f"{text!r} is not an e-mail address that can be written to", mend="write it as name@example.org"
    )
    if not (at and user and domain) or not user.isascii() or re.search(r"[\x00-\x1f]", text) or " " in spec:
        raise wrong
    try:
        return Address(name, username=user, domain=domain.encode("idna").decode("ascii"))
    except (ValueError, MessageError) as error:
        raise wrong from error


def build_message(
    letter: Letter, *, sender: Address, recipients: Iterable[Address], message_id: str, now: datetime
) -> EmailMessage:
    """Put the letter into a message: plain text and HTML as alternatives, the pictures beside the HTML.

    Several recipients don't see each other: the message is then addressed to its sender.
    """
    addressees = list(recipients)
    message = EmailMessage(policy=SEVEN_BIT)
    message["From"] = sender
    message["To"] = addressees[0] if len(addressees) == 1 else sender
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    message["List-Id"] = f"<{letter.name}.grokwatch.{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text, charset="utf-8")
    message.add_alternative(letter.html, subtype="html", charset="utf-8")
    message["Content-Language"] = letter.lang
    html = message.get_body(("html",))
    if isinstance(html, EmailMessage):
        for picture in letter.pictures:
            html.add_related(
                picture.png,
                "image",
                "png",
                cid=f"<{picture.cid}>",
                disposition="inline",
                filename=picture.filename,
            )
    return message


def send(server: MailServer, message: EmailMessage, *, sender: Address, recipients: Iterable[Address]) -> None:
    """Hand the message to the server for every recipient, in one transaction.

    Raises
    ------
    DeliveryError
        The server can't be reached or trusted, or refuses the login, the sender, a recipient or the mail.
    """
    _refuse_open_password(server)
    with _connected(server) as smtp:
        code, reply = smtp.mail(sender.addr_spec)
        if code != OK:
            raise _sender_refused(server, sender.addr_spec, code, reply)
        taken: list[str] = []
        refused: dict[str, tuple[int, bytes]] = {}
        for address in recipients:
            code, reply = smtp.rcpt(address.addr_spec)
            if code == CLOSING:
                raise DeliveryError(f"{server.name} is closing: {_said(code, reply)}", mend="try again later")
            if OK <= code < OK + 10:
                taken.append(address.addr_spec)
            else:
                refused[address.addr_spec] = (code, reply)
        if taken:
            _hand_over(server, smtp, message)
        if refused:
            raise _recipients_refused(refused, taken)


def _hand_over(server: MailServer, smtp: smtplib.SMTP, message: EmailMessage) -> None:
    payload = re.sub(rb"(?m)^\.", b"..", message.as_bytes().rstrip(b"\r\n")) + b"\r\n.\r\n"
    code, reply = smtp.docmd("DATA")
    if code == START_MAIL_INPUT:
        try:
            smtp.send(payload)
            code, reply = smtp.getreply()
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise DeliveryError(
                f"{server.name} fell silent after the mail was handed over: it may or may not arrive",
                mend="look into a recipient's mailbox; where it is missing, send again with --force",
                uncertain=True,
            ) from error
    if code != OK:
        raise DeliveryError(
            f"{server.name} refused the mail: {_said(code, reply)}",
            mend="ask who runs the mail server why" if code >= PERMANENT else "try again later",
        )


@contextlib.contextmanager
def _connected(server: MailServer) -> Generator[smtplib.SMTP]:
    """Connect, protect the connection, log in; whatever goes wrong up to the mail itself is told from here."""
    smtp: smtplib.SMTP | None = None
    try:
        context = ssl.create_default_context()
        if server.tls == "ssl":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        smtp.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
        if server.user is not None:
            _log_in(server, smtp)
        yield smtp
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()  # the mail is taken: a server that hangs up rudely changes nothing
    except (smtplib.SMTPException, OSError) as error:
        raise _connection_error(server, error) from error
    finally:
        if smtp is not None:
            smtp.close()


def _connection_error(server: MailServer, error: OSError | smtplib.SMTPException) -> DeliveryError:
    check = "check GROKWATCH_SMTP__HOST and GROKWATCH_SMTP__PORT, and that the mail server runs"
    protection = "set GROKWATCH_SMTP__TLS and GROKWATCH_SMTP__PORT to what the server offers, as a rule starttls on 587 or ssl on 465"
    match error:
        case ssl.SSLCertVerificationError():
            told = f"the certificate of {server.name} can't be trusted: {error.verify_message.rstrip('.')}"
            mend = (
                "set GROKWATCH_SMTP__HOST to the name in the certificate; "
                "where the authority is your own, set SSL_CERT_FILE to its certificate"
            )
        case ssl.SSLError():
            told, mend = f"{server.name} can't agree on TLS: {error.reason or error}", protection
        case smtplib.SMTPNotSupportedError():
            told = f"{server.name} does not offer STARTTLS"
            mend = "set GROKWATCH_SMTP__TLS to ssl (as a rule with port 465), or to none for a server on this machine"
        case smtplib.SMTPResponseException():
            told, mend = f"{server.name} refuses: {_said(error.smtp_code, error.smtp_error)}", "try again later"
        case _ if isinstance(error, TimeoutError) or "timed out" in str(error):
            # smtplib tells a time-out while it waits for a reply as a disconnection.
            told = f"{server.name} did not answer within {server.timeout_seconds:g} s"
            mend = f"{check}; a slow one needs a larger GROKWATCH_SMTP__TIMEOUT_SECONDS"
        case smtplib.SMTPServerDisconnected():
            told, mend = f"{server.name} closed the connection", f"{protection}, and try again"
        case _:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            told, mend = f"{server.name} can't be reached ({reason})", check
    return DeliveryError(told, mend=mend)


def _log_in(server: MailServer, smtp: smtplib.SMTP) -> None:
    try:
        smtp.login(server.user or "", server.password or "")
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError(
            f"{server.name} refused the login of {server.user}: {_said(error.smtp_code, error.smtp_error)}",
            mend="check GROKWATCH_SMTP__USER and GROKWATCH_SMTP__PASSWORD (some providers want an app password)",
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(
            f"{server.name} takes no login",
            mend="remove GROKWATCH_SMTP__USER, or use the port for submission (587 or 465)",
        ) from error
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as error:
        raise DeliveryError(
            f"{server.name} offers no way to log in that is known here",
            mend="ask who runs the mail server for PLAIN or LOGIN over TLS",
        ) from error


def _refuse_open_password(server: MailServer) -> None:
    if server.tls != "none" or not server.password:
        return
    try:
        loopback = ipaddress.ip_address(server.host.strip("[]")).is_loopback
    except ValueError:
        loopback = server.host == "localhost" or server.host.endswith(".localhost")
    if not loopback:
        raise DeliveryError(
            f"the password would travel to {server.host} without protection",
            mend="set GROKWATCH_SMTP__TLS to starttls or ssl",
        )


def _sender_refused(server: MailServer, sender: str, code: int, reply: bytes) -> DeliveryError:
    if code == AUTHENTICATION_REQUIRED:
        mend = "set GROKWATCH_SMTP__USER and GROKWATCH_SMTP__PASSWORD"
    elif code >= PERMANENT:
        mend = "set GROKWATCH_DIGEST__SENDER to an address that this server lets you send from"
    else:
        mend = "try again later"
    return DeliveryError(f"{server.name} refused the sender {sender}: {_said(code, reply)}", mend=mend)


def _recipients_refused(refused: dict[str, tuple[int, bytes]], taken: list[str]) -> DeliveryError:
    (first, (code, reply)), *others = refused.items()
    whom = first if not others else f"{first} and {len(others)} more"
    told = f"the mail server refused {whom}: {_said(code, reply)}"
    if taken:
        told += f"; the other {len(taken)} got the digest" if len(taken) > 1 else "; the other recipient got the digest"
    mend = "correct or remove the address" if code >= PERMANENT else "try again later"
    if taken:
        mend += ", and send again: only those who have not got it will be written to"
    return DeliveryError(told, mend=mend, delivered=taken)


def _said(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())[:200]}".strip()
