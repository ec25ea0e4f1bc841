"""Asks Reddit's API through PRAW, read-only, with a configuration that is passed in whole."""

import configparser
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

import praw
import prawcore
import requests
from praw.config import Config

from collectors.errors import ChannelClosed, Forbidden, PlatformError
from collectors.pacing import Pacer
from collectors.reddit_access import RedditAccess
from collectors.reddit_http import Exchange, json_of

APPROVAL: Final = "https://support.reddithelp.com (Responsible Builder Policy)"
CLOSED: Final = {
    "private": "is private",
    "quarantined": "is quarantined",
    "banned": "was banned by Reddit",
    "gold_only": "is for paying members alone",
    "unknown": "does not exist",
}
"""What Reddit calls the reason, and how it is said; other reasons are told as they are."""

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
LEGAL: Final = 451
TOKEN_PATH: Final = "/api/v1/access_token"  # noqa: S105 - a path


class RedditClient:
    """Reddit's API as JSON; every request keeps to the pace and is repeated after what passes.

    Parameters
    ----------
    access
        Its key must be there.
    pacer
        Shared by all streams of the key.
    """

    def __init__(
        self,
        access: RedditAccess,
        *,
        pacer: Pacer,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        chance: random.Random,
    ) -> None:
        self._access = access
        self._exchange = Exchange(
            user_agent=access.user_agent,
            pacer=pacer,
            timeout_seconds=access.timeout_seconds,
            clock=clock,
            sleep=sleep,
            chance=chance,
        )
        self._reddit: praw.Reddit | None = None

    @property
    def sent(self) -> int:
        """Requests sent so far, those that were repeated among them."""
        return self._exchange.sent

    def get(self, path: str, params: Mapping[str, str | int]) -> Any:  # noqa: ANN401 - whatever JSON there is
        """Give the JSON at a path.

        Raises
        ------
        Forbidden
            The key or the token is refused.
        ChannelClosed
            The community is private, quarantined, banned or unknown.
        Unavailable
            Reddit does not answer, after all repetitions.
        PlatformError
            Reddit can't use the request.
        """
        for last in (False, True):
            self._reddit = self._reddit or _connect(self._access, self._exchange)
            try:
                return self._reddit.request(method="GET", path=path, params=dict(params))
            except _TokenRefusedError as refusal:
                self._reddit = None
                if last:
                    raise Forbidden(
                        "Reddit does not accept the token that it has just given (401)",
                        mend="check at https://www.reddit.com/prefs/apps that the app is of type script and not suspended",
                        status=UNAUTHORIZED,
                        url=refusal.url,
                    ) from None
            except prawcore.OAuthException as refusal:
                raise _key_refused(self._access, str(refusal.error), refusal.response) from None
        raise AssertionError(path)  # pragma: no cover - the loop returns or raises

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()


class _TokenRefusedError(Exception):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class _Requestor(prawcore.Requestor):
    """Puts our exchange in the place where prawcore sends requests; only good responses come back."""

    def __init__(self, *, access: RedditAccess, exchange: Exchange, **addresses: Any) -> None:  # noqa: ANN401 - what PRAW hands on
        super().__init__(session=exchange.session, timeout=access.timeout_seconds, **addresses)
        self._access = access
        self._exchange = exchange

    def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as prawcore has it
        """Send a request and judge the response."""
        del timeout  # the exchange has its own
        kwargs.pop("allow_redirects", None)
        method, url = args
        response = self._exchange.send(method, url, is_whole=_is_whole, **kwargs)
        if response.status_code >= 300:  # noqa: PLR2004 - not a success
            raise _refusal(self._access, response, url)
        for name in [name for name in response.headers if name.lower().startswith("x-ratelimit")]:
            del response.headers[name]  # heeded already; prawcore would sleep on them, and could not be stopped
        return response


def _connect(access: RedditAccess, exchange: Exchange) -> praw.Reddit:
    """Make a read-only instance whose every setting is ours.

    PRAW would read a praw.ini in the working directory and in the user's configuration folder, and `praw_*` variables. It
    is handed its own defaults instead, and everything that such a file or variable could set is passed in.
    """
    defaults = configparser.ConfigParser()
    defaults.read_string(files("praw").joinpath("praw.ini").read_text(encoding="utf-8"))
    with Config.LOCK:
        Config.CONFIG = defaults
    return praw.Reddit(
        "DEFAULT",
        requestor_class=_Requestor,
        requestor_kwargs={"access": access, "exchange": exchange},
        check_for_updates=False,
        check_for_async=False,
        client_id=access.client_id,
        client_secret=access.client_secret,
        user_agent=access.user_agent,
        username=None,
        password=None,
        refresh_token=None,
        redirect_uri=None,
        reddit_url=access.reddit_url.rstrip("/"),
        oauth_url=access.oauth_url,
    )


def _is_whole(response: requests.Response) -> bool:
    """Tell whether a good response is JSON, and none of those that report a failure of Reddit's with status 200."""
    told = json_of(response)
    if isinstance(told, dict):
        is_token = {"access_token", "expires_in", "scope"} <= told.keys()
        return isinstance(told.get("data"), dict) or is_token or isinstance(told.get("error"), str)
    return isinstance(told, list)


def _refusal(access: RedditAccess, response: requests.Response, url: str) -> Exception:
    status, where = response.status_code, url.split("?", maxsplit=1)[0]
    if where.endswith(TOKEN_PATH):
        return _key_refused(access, str(status), response)
    if status == UNAUTHORIZED:
        return _TokenRefusedError(where)
    told = json_of(response)
    reason = told.get("reason") if isinstance(told, dict) else None
    if isinstance(reason, str) and reason:
        return channel_closed(where, reason, status)
    if status in {NOT_FOUND, LEGAL} or status < 400:  # noqa: PLR2004 - Reddit sends those who ask for nothing to its search
        return channel_closed(where, "unknown" if status != LEGAL else "withheld for legal reasons", status)
    if status == FORBIDDEN:
        return Forbidden(
            "Reddit refuses the requests of this app (403)",
            mend=f"check GROKWATCH_REDDIT__USER_AGENT, and that the key is approved: {APPROVAL}",
            status=status,
            url=where,
        )
    return PlatformError(
        f"Reddit can't use the request to {where} ({status})",
        mend="check GROKWATCH_TERMS and GROKWATCH_REDDIT__SUBREDDITS",
        status=status,
        url=where,
    )


def channel_closed(where: str, reason: str, status: int) -> ChannelClosed:
    """Say that a community can't be read."""
    parts = where.split("/r/")
    name = "r/" + parts[1].split("/")[0] if len(parts) > 1 else where
    return ChannelClosed(
        f"{name} {CLOSED.get(reason, f'can not be read ({reason})')}, so nothing can be collected there",
        mend="take it out of GROKWATCH_REDDIT__SUBREDDITS; left in, it is asked again later, in case it opens",
        channel=name,
        reason=reason,
        status=status,
        url=where,
    )


def _key_refused(access: RedditAccess, reason: str, response: requests.Response) -> Forbidden:
    return Forbidden(
        f"Reddit does not accept the client id and secret ({reason} from {TOKEN_PATH})",
        mend="check GROKWATCH_REDDIT__CLIENT_ID and GROKWATCH_REDDIT__CLIENT_SECRET; keys come from "
        f"https://www.reddit.com/prefs/apps after approval at {APPROVAL}",
        status=response.status_code,
        url=access.reddit_url + TOKEN_PATH,
    )
