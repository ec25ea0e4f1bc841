"""Tweepy's client for API v2, sent by a session of ours.

Tweepy puts requests together. Sending them, time-outs, limits and refusals are ours: tweepy would wait out limits inside,
stumble over refusals that are no JSON, and write the bearer token into its debugging log.
"""

from collections.abc import Mapping
from typing import Any, cast

import requests
import tweepy
from requests.auth import AuthBase

from collectors.x_query import XAccess


class _Bearer(AuthBase):
    """Sets the token last of all, so that no `.netrc` puts another in its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self._token}"
        return r


class Api(tweepy.Client):
    """Sends to the address of the access and gives answers as they come."""

    def __init__(self, access: XAccess, session: requests.Session) -> None:
        super().__init__(return_type=cast("Any", requests.Response), wait_on_rate_limit=False)
        self.session.close()
        self.session = session
        self._root = access.base_url.rstrip("/").removesuffix("/2")
        self._auth = _Bearer(access.bearer_token)
        self._timeout = access.timeout_seconds

    def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 - tweepy's own signature
        user_auth: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> requests.Response:
        """Send a request; whatever the status, the answer is given and not raised."""
        del json, user_auth
        return self.session.request(
            method,
            self._root + route,
            params=params,
            headers={"User-Agent": self.user_agent},
            auth=self._auth,
            timeout=self._timeout,
            allow_redirects=False,  # the token goes nowhere else
        )
