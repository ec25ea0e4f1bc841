"""Sample posts, written for this project, for a first look without keys: eight weeks around the release of Grok 4.1."""

from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files

import orjson

from collectors.base import Cursor, Kind, Page, RawPost


class SampleCollector:
    """One page with all sample posts; their ids begin with `sample-`, so they never meet a platform's."""

    source = "sample"
    stream = "posts"

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the page, unless the cursor says that it was stored before."""
        if cursor is not None:
            return
        lines = files("collectors").joinpath("sample_posts.jsonl").read_bytes().splitlines()
        posts = tuple(_post(orjson.loads(line)) for line in lines)
        yield Page(posts=posts, cursor=Cursor(stream=self.stream, value=str(len(posts))), read=len(posts))


def _post(row: dict[str, object]) -> RawPost:
    def text(name: str) -> str | None:
        value = row[name]
        return None if value is None else str(value)

    return RawPost(
        source=str(row["source"]),
        source_id=f"sample-{row['id']}",
        kind=Kind(str(row["kind"])),
        channel=text("channel"),
        thread_id=f"sample-{row['thread_id']}",
        created_at=datetime.fromisoformat(str(row["created_at"])),
        lang=text("lang"),
        title=text("title"),
        text=str(row["text"]),
        score=int(str(row["score"])),
        replies=int(str(row["replies"])),
    )
