"""Hands alerts to whatever Apprise can reach: mail, chat, telephones, web hooks (https://appriseit.com).

An address holds a secret, so that nothing here ever shows one: they are told by their place among the settings and their service.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apprise
from pydantic import SecretStr

MARK_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where messages go.

    Parameters
    ----------
    place
        Its number among the settings, from 1.
    service
        What it leads to, such as Slack; empty where it can't be read.
    mark
        Tells it from others without telling what it is.
    """

    place: int
    service: str
    mark: str
    channel: Any = None

    @property
    def usable(self) -> bool:
        """Whether the address can be read."""
        return self.channel is not None

    @property
    def name(self) -> str:
        """What it may be called in public."""
        return f"address {self.place} ({self.service})" if self.service else f"address {self.place}"


def addresses(urls: Sequence[SecretStr]) -> list[Address]:
    """Read the addresses of the settings; one that can't be read is there, and not usable."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it names addresses in its warnings
    found: list[Address] = []
    for place, url in enumerate(urls, start=1):
        text = url.get_secret_value()
        channel: Any = apprise.Apprise.instantiate(text)
        found.append(
            Address(
                place=place,
                service=str(channel.service_name) if channel is not None else "",
                mark=hashlib.sha256(text.encode()).hexdigest()[:MARK_LENGTH],
                channel=channel,
            )
        )
    return found


def send(address: Address, *, title: str, body: str) -> bool:
    """Hand over one message; False where it was not taken, or nobody answered."""
    if not address.usable:
        return False
    sender: Any = apprise.Apprise()
    sender.add(address.channel)
    try:
        return bool(
            sender.notify(
                title=title,
                body=body,
                notify_type=apprise.NotifyType.WARNING,
                body_format=apprise.NotifyFormat.TEXT,
            )
        )
    except Exception:  # noqa: BLE001 - a hundred services fail in their own ways; none may end the others' delivery
        return False
