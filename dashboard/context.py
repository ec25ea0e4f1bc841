"""What a page gets from the application around it."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st
from sqlalchemy import Engine

from dashboard.figures import Stock
from dashboard.view import View
from insights.catalogue import Catalogue, load

KEY = "context"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The reader's language and choice, the database, the moment."""

    words: Catalogue
    view: View
    url: str
    engine: Engine
    stock: Stock
    now: datetime


def current() -> Context:
    """Give the context of the page that is being drawn."""
    return st.session_state[KEY]


@st.cache_resource(show_spinner=False)
def words(language: str) -> Catalogue:
    """Load the texts in a language, once."""
    return load(language, "dashboard")


def language_name(tag: str, words: Catalogue) -> str:
    """Name a language in the reader's; a tag without a name stands for itself."""
    return _name(f"language.{tag}", tag, words)


def source_name(source: str, words: Catalogue) -> str:
    """Name a platform; one without a name stands for itself."""
    return _name(f"source.{source}", source, words)


def _name(key: str, otherwise: str, words: Catalogue) -> str:
    try:
        return words(key)
    except KeyError:
        return otherwise
