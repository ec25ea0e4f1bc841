"""What a platform can refuse; every error says which response it came from."""

from collectors.base import CollectorError


class PlatformError(CollectorError):
    """A platform did not give what was asked for.

    Parameters
    ----------
    message, mend
        One sentence each: what happened, and what the user can do.
    status
        HTTP status of the response; None where there was none, or no request was sent.
    url
        What was asked for, without its query.
    """

    def __init__(self, message: str, *, mend: str, status: int | None = None, url: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.status = status
        self.url = url


class Forbidden(PlatformError):  # noqa: N818 - named after the answer, as are those below
    """The platform does not accept the key (401, 403): the stream is parked, for asking again changes nothing."""


class ChannelClosed(PlatformError):  # noqa: N818
    """A channel is private, quarantined, banned or unknown: its streams are parked, the other channels go on.

    `reason` is the platform's word for it; a channel has several streams, and one warning is enough for all of them.
    """

    def __init__(
        self,
        message: str,
        *,
        mend: str,
        channel: str,
        reason: str,
        status: int | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message, mend=mend, status=status, url=url)
        self.channel = channel
        self.reason = reason


class BudgetSpent(PlatformError):  # noqa: N818
    """The month's money does not reach for the request; none was sent."""


class UsageCapped(PlatformError):  # noqa: N818
    """The platform's own cap of the account, or its billing, stands in the way: never retried."""


class Unavailable(PlatformError):  # noqa: N818
    """Time-outs, 429 or 5xx after every retry: nothing is lost, the next visit goes on from the same cursor."""
