"""What X's answers mean: good ones, refusals that stand, and those that pass."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import requests
from urllib3.exceptions import NewConnectionError

from collectors.errors import Forbidden, PlatformError, UsageCapped

CONSOLE: Final = "https://console.x.com"
BILLING: Final = ("usage-cap", "usagecap", "usage cap", "billing", "credit", "payment", "spend", "subscription")
"""Words of refusals that are about money."""

BAD_STATUS: Final = 400
UNAUTHORIZED: Final = 401
PAYMENT: Final = 402
FORBIDDEN: Final = 403
REQUEST_TIMEOUT: Final = 408
LIMITED: Final = 429
SERVER_ERROR: Final = 500


class BadRequest(PlatformError):  # noqa: N818 - named after the answer
    """X does not understand the request, or is not what answers at this address."""


def never_sent(error: requests.RequestException) -> bool:
    """Tell whether a request failed before it left: nothing can have been billed."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def told(error: requests.RequestException) -> str:
    """Say in words why there was no answer."""
    if isinstance(error, requests.Timeout):
        return "it did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    if never_sent(error):
        return "it can't be reached"
    return "the connection broke off"


def json_of(response: requests.Response) -> Mapping[str, Any] | None:
    """Give the body of an answer, None where it is no JSON object."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def is_answer(kind: str, body: Mapping[str, Any]) -> bool:
    """Tell whether a body holds what every good answer holds; without the mark of the next page a search would end too early."""
    if kind == "search":
        return isinstance(body.get("meta"), dict)
    if kind == "counts":
        return isinstance(body.get("data"), list)
    return isinstance(body.get("data"), list) or isinstance(body.get("errors"), list)


def refuse(response: requests.Response, body: Mapping[str, Any] | None) -> None:
    """Raise where asking again would be answered alike."""
    status = response.status_code
    if status // 100 == 2 or status == REQUEST_TIMEOUT or status >= SERVER_ERROR:  # noqa: PLR2004 - every 2xx
        return
    reason = _reason(body)
    about = f"{status}: {reason}" if reason else str(status)
    if status == PAYMENT or (status in {FORBIDDEN, LIMITED} and _is_about_money(body)):
        raise _refusal(
            UsageCapped,
            response,
            f"X gives nothing more to this account ({about})",
            f"look at usage, credit and spending cap at {CONSOLE}",
        )
    if status == LIMITED:
        return
    if status == UNAUTHORIZED:
        raise _refusal(
            Forbidden,
            response,
            f"X does not accept the bearer token ({about})",
            f"set GROKWATCH_X__BEARER_TOKEN to the token of your app at {CONSOLE}",
        )
    if status == FORBIDDEN:
        raise _refusal(
            Forbidden,
            response,
            f"X forbids the request to this app ({about})",
            f"look at the app's access at {CONSOLE}",
        )
    if status == BAD_STATUS:
        raise _refusal(
            BadRequest, response, f"X does not understand the request ({about})", "correct GROKWATCH_X__QUERY"
        )
    raise _refusal(BadRequest, response, f"X's API is not at this address ({about})", "correct GROKWATCH_X__BASE_URL")


def _refusal(kind: type[PlatformError], response: requests.Response, message: str, mend: str) -> PlatformError:
    return kind(message, mend=mend, status=response.status_code, url=response.url.partition("?")[0])


def _reason(body: Mapping[str, Any] | None) -> str:
    """Give X's own words, shortened to one clause."""
    if body is None:
        return ""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    told = first.get("message") or body.get("detail") or body.get("title") or ""
    return str(told).strip().rstrip(".")[:200]


def _is_about_money(body: Mapping[str, Any] | None) -> bool:
    if body is None:
        return False
    told = " ".join(
        str(body.get(name, "")) for name in ("type", "title", "detail", "reason", "period", "scope")
    ).lower()
    return any(word in told for word in BILLING)
