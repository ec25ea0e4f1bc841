"""One finding of `grokwatch doctor`."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, how it stands, what to do."""

    name: str
    status: Status
    message: str
    mend: str | None = None
