"""Whose labels count: those of the active model, which feeds the charts."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, select

from db.models import Label, Model, Post


def active_model() -> ScalarSelect[int]:
    """Give the SQL for the number of the active model."""
    return select(Model.id).where(Model.active).scalar_subquery()


def labelled_by(model: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a number or the SQL for one
    """Give the condition that joins posts with the labels of a model.

    SQLite must find the posts first and then their labels: by its index of models, it would walk all the labels that a model
    ever gave, to find those of a day. Adding 0 keeps it from that index.
    """
    return and_(Label.post_id == Post.id, Label.model_id + 0 == model)
