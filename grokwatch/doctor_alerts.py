"""What `grokwatch doctor` says of alerts: whether addresses can be read, whether messages arrive."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Final

from sqlalchemy import Connection

from db import alerts
from grokwatch.check import Check
from grokwatch.settings import Settings

NAME: Final = "alerts"
SERVICES: Final = "https://appriseit.com/services/"
LOOK_BACK: Final = timedelta(days=14)


def check_addresses(settings: Settings, *, send_test: bool) -> Iterator[Check]:
    """Tell whether the addresses can be read and, where that is asked for, whether they take a message."""
    if not settings.alerts.urls:
        mend = "set GROKWATCH_ALERTS__URLS to have alerts sent" if send_test else None
        yield Check(
            name=NAME,
            status="warn" if send_test else "ok",
            message="no address is set: the dashboard alone shows them",
            mend=mend,
        )
        return
    messenger = import_module("grokwatch.messenger")  # Apprise takes a second to load
    found = messenger.addresses(settings.alerts.urls)
    for address in found:
        if not address.usable:
            yield Check(
                name=NAME,
                status="fail",
                message=f"address {address.place} of GROKWATCH_ALERTS__URLS can't be read",
                mend=f"write it as {SERVICES} says",
            )
    usable = [address for address in found if address.usable]
    if not send_test:
        if usable:
            services = ", ".join(address.service for address in usable)
            message = f"{len(usable)} of {len(found)} addresses can be read ({services}); nothing was sent"
            yield Check(name=NAME, status="ok", message=message)
        return
    for address, sent in import_module("grokwatch.alerting").send_test(settings):
        if sent:
            yield Check(name=NAME, status="ok", message=f"{address.name} took a test message")
        elif address.usable:
            mend = "correct it in GROKWATCH_ALERTS__URLS, and look whether the service answers"
            yield Check(name=NAME, status="fail", message=f"{address.name} did not take a test message", mend=mend)


def check_deliveries(connection: Connection, *, now: datetime) -> Iterator[Check]:
    """Tell of alerts of the last two weeks that did not arrive; nothing where all did."""
    give_up = import_module("grokwatch.alerting").GIVE_UP
    retried, given_up = alerts.count_undelivered(connection, since=now - LOOK_BACK, before=now - give_up)
    mend = "see: grokwatch alerts list, then grokwatch alerts test"
    if given_up:
        some = "1 alert" if given_up == 1 else f"{given_up} alerts"
        yield Check(name=NAME, status="warn", message=f"{some} could not be delivered for two days", mend=mend)
    if retried:
        some = "1 alert waits" if retried == 1 else f"{retried} alerts wait"
        yield Check(name=NAME, status="warn", message=f"{some} for another attempt at delivery", mend=mend)
