"""The census: how many posts of each group of languages there were in every hour."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from collectors.base import HourCount, Page
from collectors.errors import Unavailable
from collectors.x_counts import read_hours, read_rate
from collectors.x_outlook import SETTLED, reach
from collectors.x_plan import hour_of
from collectors.x_query import Group
from collectors.x_visit import Visit


def count(visit: Visit) -> Iterator[Page]:
    """Count the groups by hours; new hours go into the census, all of them into the rates."""
    now = visit.client.now()
    end = visit.state.counting_until
    if end is None or hour_of(now - SETTLED) - end >= visit.access.census_every:
        end = hour_of(now - SETTLED)
        visit.state = replace(visit.state, counting_until=end, counted=())
    for group in visit.access.groups:
        if group.name in visit.state.counted:
            continue
        query = visit.access.grouped(group)
        answer = visit.client.counts(query, start=reach(visit.client.now()), end=end)
        hours, broken = read_hours(answer.body, end)
        _note_counts(visit, group, hours, read_rate(answer.body, hours))
        new = {hour: n for hour, n in hours.items() if hour >= (visit.state.counted_until or hour)}
        if set(visit.state.counted) >= {each.name for each in visit.access.groups}:
            visit.state = replace(visit.state, counted_until=end, counting_until=None, counted=())
        yield visit.page(
            broken=broken,
            counts=tuple(HourCount(query=query, hour=hour, count=n) for hour, n in new.items()),
            cost_usd=answer.cost(visit.access.prices.counts),
            reservation=answer.reservation,
        )


def _note_counts(visit: Visit, group: Group, hours: Mapping[datetime, int], rate: float | None) -> None:
    known = visit.state.rates.get(group.name)
    if rate is None and known is None:
        raise Unavailable("X's counts hold no hours", mend="the next visit asks again")
    pending = {hour: n for hour, n in hours.items() if hour >= hour_of(visit.state.next)}
    visit.state = replace(
        visit.state,
        counted=(*visit.state.counted, group.name),
        rates={**visit.state.rates, group.name: known if rate is None else rate},
        counts={**visit.state.counts, group.name: pending},
    )
