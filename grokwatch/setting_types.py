"""Kinds of settings: words, addresses, time zones as people write them, and what a section of settings is."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr


def _as_list(value: object) -> object:
    """Read a list as people write it, `a, b`, or as JSON, `["a", "b"]`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValueError("should be words separated by commas, or a JSON list") from error
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def _as_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("should be the name of a time zone, such as Asia/Tokyo") from error
    return name


Words = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
"""Several words, separated by commas."""


def _as_addresses(value: object) -> object:
    """Read addresses as people write them; a comma inside one, as in `mailto://…?to=a,b`, is part of it."""
    if not isinstance(value, str) or value.lstrip().startswith("["):
        return _as_list(value)
    return tuple(part for part in re.split(r"[\s,]+(?=[A-Za-z0-9+]+://)", value.strip().rstrip(",")) if part)


Timezone = Annotated[str, AfterValidator(_as_timezone)]
"""The name of a time zone."""

Addresses = Annotated[tuple[SecretStr, ...], BeforeValidator(_as_addresses)]
"""Several addresses that hold secrets."""


class Section(BaseModel):
    """Settings that belong together; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
