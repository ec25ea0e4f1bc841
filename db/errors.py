"""What can go wrong with the database, told so that a person can mend it."""


class DatabaseError(Exception):
    """The database can't be used as asked; `mend` says what the user can do about it."""

    def __init__(self, message: str, *, mend: str) -> None:
        super().__init__(message)
        self.mend = mend
