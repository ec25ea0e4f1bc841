"""Buying the posts of the slices that were drawn."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from collectors.base import Page, RawPost
from collectors.x_answers import BadRequest
from collectors.x_client import LARGEST_PAGE, Answer
from collectors.x_outlook import expected_in, settle_until
from collectors.x_plan import Slice
from collectors.x_posts import read_page
from collectors.x_query import Group
from collectors.x_state import Drawn
from collectors.x_visit import Patience, Visit, version_time


def read_slices(visit: Visit, drawn: Drawn) -> Iterator[Page]:
    """Buy the posts of the slices that were drawn."""
    groups = {group.name: group for group in visit.access.groups}
    visit.unsaved = True
    patience = Patience()
    while drawn.slices:
        part = drawn.slices[0]
        likely = expected_in(visit.state, part)
        answer, part = _search_slice(visit, groups[part.group], part, math.ceil(likely + 3 * math.sqrt(likely)) + 5)
        page = read_page(answer.body)
        patience.heed(page)
        posts = tuple(
            replace(post, inclusion_probability=part.probability)
            for post in page.posts
            if part.start <= version_time(post) < part.end and not _was_taken(visit, post)
        )
        rest = drawn.slices[1:]
        going_on = () if page.next_token is None else (replace(part, token=page.next_token),)
        drawn = replace(drawn, slices=(*going_on, *rest))
        _advance(visit, drawn)
        yield visit.bought(answer, page, posts)
    _advance(visit, drawn)


def _advance(visit: Visit, drawn: Drawn) -> None:
    if drawn.slices:
        visit.state = replace(visit.state, drawn=drawn)
    elif visit.state.drawn is not None:
        visit.state = settle_until(visit.state, drawn.until)


def _search_slice(visit: Visit, group: Group, part: Slice, size: int) -> tuple[Answer, Slice]:
    query = visit.access.grouped(group)
    span: dict[str, Any] = {"start_time": part.start, "end_time": part.end}
    if part.token is None:
        return visit.client.search(query, size=size, **span), part
    try:
        return visit.client.search(query, size=LARGEST_PAGE, next_token=part.token, **span), part
    except BadRequest:  # the mark of the page is X's own and does not hold for ever: the slice is read anew
        return visit.client.search(query, size=LARGEST_PAGE, **span), replace(part, token=None)


def _was_taken(visit: Visit, post: RawPost) -> bool:
    taken = visit.state.taken
    return taken is not None and int(post.source_id) >= int(taken.oldest_id)
