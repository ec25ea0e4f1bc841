"""One request to an OpenAI-compatible chat endpoint: money is set aside, refusals are waited out, the bill is reckoned."""

import json
import random
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from classifiers.base import ClassifierError
from classifiers.spending import Reservation, Spending

ATTEMPTS: Final = 5
LONGEST_WAIT: Final = 60.0
"""Seconds; a server that asks for more is asked again later, by whoever called."""
_PASSING: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_NO_CREDIT: Final = "insufficient_quota"
_FRAME_TOKENS: Final = 200
"""What a server's own frame around the messages may take."""
_MILLION: Final = 1_000_000
_TOLD: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAccess:
    """Where a chat model is and what it costs.

    Parameters
    ----------
    base_url
        Of the API: `/chat/completions` is added.
    price_input_usd, price_output_usd
        Dollars for a million tokens read and written.
    timeout
        Seconds without a byte after which an answer is given up.
    """

    model: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    price_input_usd: float
    price_output_usd: float
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model said; `text` is None where it said nothing usable, and `trouble` why."""

    text: str | None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setback:
    """Why a try brought nothing; `wait` is what the server asked for, in seconds; `adapted`: ask again at once, in other words."""

    what: str
    wait: float | None = None
    adapted: bool = False


class ChatClient:
    """Asks one model. `sleep` and `chance` are waiting and the jitter of waits."""

    def __init__(
        self,
        access: ChatAccess,
        *,
        spending: Spending,
        sleep: Callable[[float], None] = time.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.access = access
        self._spending = spending
        self._sleep = sleep
        self._chance = chance or random.Random()  # noqa: S311 - jitter, no secret
        self._limit_name = "max_tokens"
        self._with_temperature = True

    def ask(
        self, messages: Sequence[Mapping[str, str]], *, schema_name: str, schema: Mapping[str, Any], tokens: int
    ) -> Reply:
        """
        Send messages and give the reply.

        Parameters
        ----------
        schema
            JSON schema that the reply is to follow.
        tokens
            The most that the model may write.

        Raises
        ------
        ClassifierError
            The money does not reach, the server refuses the request for good or does not answer.
        """
        form = {"type": "json_schema", "json_schema": {"name": schema_name, "strict": True, "schema": schema}}
        most = self._most(messages, form, tokens)
        attempt = 1
        while True:
            came = self._try(self._body(messages, form, tokens), most)
            if isinstance(came, Reply):
                return came
            if came.adapted:
                continue
            if attempt == ATTEMPTS or (came.wait or 0) > LONGEST_WAIT:
                times = f", {attempt} times" if attempt > 1 else ""
                raise self._error(
                    f"does not answer: {came.what}{times}",
                    "try again later, or correct GROKWATCH_LLM__BASE_URL; the labels so far are kept",
                )
            self._sleep(self._pause(attempt, came.wait))
            attempt += 1

    def _body(self, messages: Sequence[Mapping[str, str]], form: Mapping[str, Any], tokens: int) -> dict[str, Any]:
        body = {
            "model": self.access.model,
            "messages": list(messages),
            "response_format": form,
            self._limit_name: tokens,
        }
        return body | {"temperature": 0} if self._with_temperature else body

    def _try(self, body: Mapping[str, Any], most: float) -> "Reply | _Setback":
        reservation = self._spending.reserve(most)
        try:
            response = self._post(body)
        except requests.Timeout:  # the request may have been worked on: what was set aside stays spent
            return _Setback(what=f"no answer within {self.access.timeout:g} seconds")
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            root = _root(error)
            if isinstance(root, ConnectionRefusedError | socket.gaierror):  # it never left
                self._spending.settle(reservation, 0)
            return _Setback(what=f"no connection ({getattr(root, 'strerror', None) or type(root).__name__})")
        except (requests.RequestException, UnicodeError) as error:
            self._spending.settle(reservation, 0)
            raise self._error(f"can't be asked ({type(error).__name__})", "correct GROKWATCH_LLM__BASE_URL") from error
        if response.status_code == requests.codes.ok:
            return self._reply(response, reservation)
        self._spending.settle(reservation, 0)
        return self._setback(response)

    def _setback(self, response: requests.Response) -> "_Setback":
        told = _told(response)
        if response.status_code in _PASSING and _NO_CREDIT not in response.text:
            return _Setback(what=f"status {response.status_code} ({told})", wait=_asked_wait(response))
        if self._adapt(response.status_code, told):
            return _Setback(what=told, adapted=True)
        raise self._refusal(response.status_code, told)

    def _post(self, body: Mapping[str, Any]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.access.api_key}"} if self.access.api_key else {}
        return requests.post(
            self.access.base_url.rstrip("/") + "/chat/completions",
            json=body,
            headers=headers,
            timeout=self.access.timeout,
            allow_redirects=False,  # a key and posts go where they were meant to go
        )

    def _pause(self, attempt: int, asked: float | None) -> float:
        if asked is not None:
            return asked + self._chance.uniform(0, 1)
        return min(2.0 ** (attempt - 1), LONGEST_WAIT) * self._chance.uniform(0.5, 1)

    def _most(self, messages: Sequence[Mapping[str, str]], form: Mapping[str, Any], tokens: int) -> float:
        """Give the greatest cost of a request: a token has at least a byte."""
        read = sum(len(message["content"].encode()) for message in messages) + len(json.dumps(form)) + _FRAME_TOKENS
        return self._cost(read, tokens)

    def _cost(self, read: int, written: int) -> float:
        return (read * self.access.price_input_usd + written * self.access.price_output_usd) / _MILLION

    def _reply(self, response: requests.Response, reservation: Reservation) -> Reply:
        try:
            body: Any = response.json()
        except ValueError:
            return Reply(text=None, trouble="its answer is not JSON")
        usage = body.get("usage") if isinstance(body, dict) else None
        if isinstance(usage, dict):
            read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if isinstance(read, int) and isinstance(written, int) and min(read, written) >= 0:
                self._spending.settle(reservation, self._cost(read, written))
        try:
            choice = body["choices"][0]
            text, ended = choice["message"]["content"], choice.get("finish_reason")
        except (LookupError, TypeError, AttributeError):
            return Reply(text=None, trouble="its answer holds no message")
        if ended == "length":
            return Reply(text=None, trouble="its answer was cut off: raise GROKWATCH_LLM__TOKENS")
        if not isinstance(text, str) or not text.strip():
            return Reply(text=None, trouble="its answer is empty")
        return Reply(text=text)

    def _adapt(self, status: int, told: str) -> bool:
        """Leave out what a server says that it does not take: newer models have another name for the limit, and one temperature."""
        if status not in (400, 422):
            return False
        if self._limit_name == "max_tokens" and "max_completion_tokens" in told:
            self._limit_name = "max_completion_tokens"
            return True
        if self._with_temperature and "temperature" in told:
            self._with_temperature = False
            return True
        return False

    def _refusal(self, status: int, told: str) -> ClassifierError:
        mends = {
            401: "correct GROKWATCH_LLM__API_KEY",
            403: "correct GROKWATCH_LLM__API_KEY, or ask for access to the model",
            404: "correct the name after openai: in GROKWATCH_MODEL, or GROKWATCH_LLM__BASE_URL",
            429: "add credit to the account, then run the same command again; the labels so far are kept",
        }
        mend = mends.get(status, "see that the model takes structured output (response_format json_schema)")
        return self._error(f"refuses the request with status {status}: {told}", mend)

    def _error(self, what: str, mend: str) -> ClassifierError:
        return ClassifierError(f"{self.access.model} at {place(self.access.base_url)} {what}", mend=mend)


def place(url: str) -> str:
    """Give a server's name and port, without a password that may stand in its address."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


def _told(response: requests.Response) -> str:
    """Give what a refusal says, on one line."""
    text = response.text
    try:
        body: Any = response.json()
        error = body.get("error", body) if isinstance(body, dict) else body
        text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except ValueError:
        pass
    return " ".join(text.split())[:_TOLD].rstrip(".") or "no reason given"


def _asked_wait(response: requests.Response) -> float | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _root(error: BaseException) -> BaseException:
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error
