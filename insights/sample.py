"""Whether what is shown comes from sample posts, which every page, chart and letter must then say."""

from sqlalchemy import Connection

from db.sample import holds_sample


def is_sample(connection: Connection) -> bool:
    """Tell whether any stored post is a sample post, written for a first look."""
    return holds_sample(connection)
