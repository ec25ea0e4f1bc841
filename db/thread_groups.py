"""Sums by thread, packed for storage and put together again.

A thread is known by 64 bits of a hash. Up to `GROUPS` threads are kept one by one; more are put together into that many groups by
their hash, which is at random as far as posts are concerned. Intervals stay right, since the bootstrap may draw groups of
whole threads as well as threads, and a thread that runs over days is in the same group on each of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.codebook import Category

GROUPS: Final = 256
"""A power of two, so that the group is the hash's last bits."""

WIDTH: Final = len(Category)
_EXACT: Final = np.dtype([("key", "<i8"), ("sums", "<f8", (WIDTH,))])

Keys = NDArray[np.int64]
Sums = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSums:
    """One row a thread, or one row a group where `keys` is None; a column each `Category`, in its order."""

    keys: Keys | None
    sums: Sums


def key_of(source: str, thread_id: str) -> int:
    """Give the number under which a thread is kept."""
    digest = hashlib.blake2b(f"{source}\0{thread_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def pack(keys: Keys, sums: Sums) -> bytes:
    """Write threads down, each of which stands there once; `unpack` needs their number."""
    if len(keys) > GROUPS:
        return _grouped(keys, sums).astype("<f8").tobytes()
    rows = np.empty(len(keys), _EXACT)
    rows["key"], rows["sums"] = keys, sums
    return rows.tobytes()


def unpack(threads: int, packed: bytes) -> ThreadSums:
    """Read what `pack` wrote for so many threads."""
    if threads > GROUPS:
        return ThreadSums(keys=None, sums=np.frombuffer(packed, "<f8").reshape(GROUPS, WIDTH))
    rows = np.frombuffer(packed, _EXACT)
    return ThreadSums(keys=rows["key"], sums=rows["sums"])


def add_up(parts: Sequence[ThreadSums]) -> ThreadSums:
    """Add parts up, thread by thread; group by group as soon as one of them has groups."""
    exact = [(part.keys, part.sums) for part in parts if part.keys is not None]
    keys = np.concatenate([keys for keys, _ in exact]) if exact else np.zeros(0, np.int64)
    sums = np.concatenate([sums for _, sums in exact]) if exact else np.zeros((0, WIDTH))
    grouped = [part.sums for part in parts if part.keys is None]
    if grouped:
        return ThreadSums(keys=None, sums=np.sum([_grouped(keys, sums), *grouped], axis=0))
    if len(exact) == 1:
        return ThreadSums(keys=keys, sums=sums)
    order = np.argsort(keys, kind="stable")
    keys, sums = keys[order], sums[order]
    starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1)) if len(keys) else np.zeros(0, np.int64)
    return ThreadSums(keys=keys[starts], sums=np.add.reduceat(sums, starts) if len(keys) else sums)


def _grouped(keys: Keys, sums: Sums) -> Sums:
    group = keys & (GROUPS - 1)
    columns = [np.bincount(group, weights=column, minlength=GROUPS) for column in sums.T]
    return np.stack(columns, axis=1).astype(np.float64, copy=False)
