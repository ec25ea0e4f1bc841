"""The CSV file that readers take away."""

from dataclasses import fields

from dashboard.table import FIELDS
from insights.shares import Share


def test_the_file_has_every_field_of_a_share_but_the_draws_behind_its_interval():
    assert tuple(field.name for field in fields(Share) if field.compare) == FIELDS
