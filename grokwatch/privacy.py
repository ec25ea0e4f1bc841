"""Author names never reach the database: what is stored is a hash under a key that stays on this machine."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from grokwatch.settings import Settings

KEY_FILE = "author-hash.key"


def author_hash(settings: Settings) -> Callable[[str], str]:
    """Give the function that turns an author's name into a key.

    The secret is `GROKWATCH_HASH_KEY`, else the file `author-hash.key` in the data folder, which is made when it is missing.
    """
    key = settings.hash_key.get_secret_value().encode() if settings.hash_key else _key_from_file(settings.data_dir)

    def hashed(name: str) -> str:
        return hmac.new(key, name.casefold().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    return hashed


def _key_from_file(folder: Path) -> bytes:
    path = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_bytes().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_bytes().strip()


def untraceable() -> Callable[[str], str]:
    """Give a function that turns stored keys into others, under a secret that is forgotten with it.

    Posts of one author still belong together, but nobody can find out whose they are, whatever keys and backups he has.
    """
    forgotten = secrets.token_bytes(32)

    def renamed(key: str) -> str:
        return hmac.new(forgotten, key.encode(), hashlib.sha256).hexdigest()[:32]

    return renamed


def new_key(settings: Settings) -> str | None:
    """Replace the secret in the data folder; where the settings hold it, give a new one that a person must put there."""
    if settings.hash_key is not None:
        return secrets.token_hex(32)
    path = settings.data_dir / KEY_FILE
    path.unlink(missing_ok=True)
    _key_from_file(settings.data_dir)
    return None
