"""The mail settings as the digest needs them."""

from dataclasses import dataclass
from email.headerregistry import Address

from digest import deliver
from digest.deliver import MailServer
from grokwatch.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOffice:
    """Where the digest is handed in, by whom and for whom."""

    server: MailServer
    sender: Address
    recipients: tuple[Address, ...]


def missing(settings: Settings, recipients: tuple[str, ...]) -> list[str]:
    """Name the settings without which nothing can be sent."""
    needed = (
        ("GROKWATCH_SMTP__HOST", settings.smtp.host),
        ("GROKWATCH_DIGEST__SENDER", settings.digest.sender),
        ("GROKWATCH_DIGEST__RECIPIENTS", recipients),
    )
    return [name for name, value in needed if not value]


def post_office(settings: Settings, recipients: tuple[str, ...]) -> PostOffice | None:
    """Give the post office; None where a setting is missing. An address that is written twice counts once.

    Raises
    ------
    DeliveryError
        An address is none.
    """
    smtp = settings.smtp
    if missing(settings, recipients) or not smtp.host or not settings.digest.sender:
        return None
    addresses: dict[str, Address] = {}
    for address in map(deliver.parse_address, recipients):
        addresses.setdefault(address.addr_spec.lower(), address)
    server = MailServer(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        user=smtp.user,
        password=smtp.password.get_secret_value() if smtp.password else None,
        timeout_seconds=smtp.timeout_seconds,
    )
    sender = deliver.parse_address(settings.digest.sender)
    return PostOffice(server=server, sender=sender, recipients=tuple(addresses.values()))
