"""Labelling: one drawn post at a time, without what the model says of it; a key or a click answers, and the next one comes.

This page writes, as that of the alerts does: one short transaction for each answer, on the engine that is otherwise for reading
alone. It needs no second way into the database, and what is not a button's doing can't write.
"""

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from classifiers.codebook import Aspect, Category, Polarity
from dashboard.context import Context, current, language_name, source_name
from db import audits
from db.audits import DrawnPost, DrawSummary, Verdict
from db.errors import DatabaseError
from insights.catalogue import Catalogue
from insights.wording import count

AUDITOR = "audit.auditor"
DRAW = "audit.draw"
DONE = "audit.done"
SKIPPED = "audit.skipped"
TROUBLE = "audit.trouble"
LONGEST_NAME = 64
NOT_RELEVANT_KEY = "0"
UNDO_KEY = "u"
SKIP_KEY = "s"


def show(context: Context) -> None:
    """Draw the page."""
    words = context.words
    st.title(words("audit.title"))
    with context.engine.connect() as connection:
        draws = audits.draws(connection)
    if not draws:
        st.info(words("audit.nothing_drawn"), icon=":material/shuffle:")
        return
    auditor = st.session_state.get(AUDITOR)
    if not auditor:
        _ask_name(words)
        return
    draw = _choose_draw(draws, words)
    with context.engine.connect() as connection:
        waiting = audits.drawn_posts(connection, draw.name, without=auditor)
    st.progress(
        (draw.posts - len(waiting)) / draw.posts if draw.posts else 1.0,
        text=words("audit.progress", done=count(draw.posts - len(waiting)), posts=count(draw.posts), auditor=auditor),
    )
    if trouble := st.session_state.pop(TROUBLE, None):
        st.warning(words(f"audit.trouble.{trouble}"), icon=":material/error:")
    if waiting:
        post = _next(waiting)
        _ask(context, post, auditor)
        _draw_feet(context, auditor, post)
    else:
        st.success(words("audit.finished"), icon=":material/task_alt:")
        _draw_feet(context, auditor, None)


def _ask_name(words: Catalogue) -> None:
    with st.form("audit.name"):
        st.markdown(words("audit.note"))
        name = st.text_input(words("audit.name"), max_chars=LONGEST_NAME, help=words("audit.name_help"))
        if st.form_submit_button(words("audit.start"), type="primary") and name.strip():
            st.session_state[AUDITOR] = name.strip()
            st.rerun()


def _choose_draw(draws: list[DrawSummary], words: Catalogue) -> DrawSummary:
    if len(draws) == 1:
        return draws[0]
    by_name = {draw.name: draw for draw in draws}
    if st.session_state.get(DRAW) not in by_name:
        st.session_state[DRAW] = next((draw.name for draw in draws if draw.labelled < draw.posts), draws[0].name)
    return by_name[st.selectbox(words("audit.draw"), list(by_name), key=DRAW)]


def _next(waiting: list[DrawnPost]) -> DrawnPost:
    """Give the post that was taken back last, else the first that was not put off; in the end those that were."""
    skipped: list[int] = st.session_state.get(SKIPPED, [])
    places = {post: place for place, post in enumerate(skipped)}
    return min(waiting, key=lambda post: places.get(post.id, -1))


def _ask(context: Context, post: DrawnPost, auditor: str) -> None:
    words = context.words
    with st.container(border=True):
        st.caption(words("audit.post", source=source_name(post.source, words), lang=language_name(post.lang, words)))
        st.text(post.text)
        if post.url:
            st.link_button(words("audit.open"), post.url, icon=":material/open_in_new:", type="tertiary")
    polarity, aspects = f"audit.polarity.{post.id}", f"audit.aspects.{post.id}"
    st.pills(words("audit.polarity"), list(Polarity), key=polarity, format_func=lambda one: words(f"polarity.{one}"))
    st.pills(
        words("audit.aspects"),
        list(Aspect),
        key=aspects,
        selection_mode="multi",
        format_func=lambda one: words(f"aspect.{one}"),
    )
    st.markdown(words("audit.category"))
    answers = st.container(horizontal=True)
    for number, category in enumerate(Category, start=1):
        answers.button(
            words(f"category.{category}"),
            key=f"audit.say.{category}",
            help=words(f"category.about.{category}"),
            shortcut=str(number),
            on_click=_say,
            args=(context, post.id, auditor, category),
        )
    answers.button(
        words("audit.not_relevant"),
        key="audit.say.irrelevant",
        help=words("audit.not_relevant_help"),
        shortcut=NOT_RELEVANT_KEY,
        on_click=_say,
        args=(context, post.id, auditor, None),
    )


def _draw_feet(context: Context, auditor: str, post: DrawnPost | None) -> None:
    words = context.words
    feet = st.container(horizontal=True)
    feet.button(
        words("audit.undo"),
        key="audit.undo",
        shortcut=UNDO_KEY,
        icon=":material/undo:",
        disabled=not st.session_state.get(DONE),
        on_click=_undo,
        args=(context, auditor),
        type="tertiary",
    )
    if post is not None:
        feet.button(
            words("audit.skip"),
            key="audit.skip",
            shortcut=SKIP_KEY,
            icon=":material/skip_next:",
            on_click=_skip,
            args=(post.id,),
            type="tertiary",
        )
    feet.button(
        words("audit.another_name"), key="audit.another", icon=":material/person:", on_click=_forget, type="tertiary"
    )
    st.caption(words("audit.note"))


def _say(context: Context, post: int, auditor: str, category: Category | None) -> None:
    polarity: Polarity | None = st.session_state.get(f"audit.polarity.{post}")
    aspects: list[Aspect] = st.session_state.get(f"audit.aspects.{post}") or []
    verdict = Verdict(
        relevant=category is not None,
        category=category,
        polarity=polarity if category is not None else None,
        aspects=tuple(aspects) if category is not None else (),
    )
    if _write(context, lambda connection: audits.label(connection, post, auditor, verdict, now=context.now)):
        st.session_state[DONE] = [*st.session_state.get(DONE, []), post]


def _undo(context: Context, auditor: str) -> None:
    done: list[int] = st.session_state.get(DONE, [])
    if done and _write(context, lambda connection: audits.unlabel(connection, done[-1], auditor)):
        st.session_state[DONE] = done[:-1]
        st.session_state[SKIPPED] = [post for post in st.session_state.get(SKIPPED, []) if post != done[-1]]


def _write(context: Context, change: Callable[[Connection], object]) -> bool:
    try:
        with context.engine.execution_options(read_only=False).begin() as connection:
            change(connection)
    except DatabaseError:
        st.session_state[TROUBLE] = "gone"
        return False
    except SQLAlchemyError:
        st.session_state[TROUBLE] = "database"
        return False
    return True


def _skip(post: int) -> None:
    skipped: list[int] = st.session_state.get(SKIPPED, [])
    st.session_state[SKIPPED] = [*(one for one in skipped if one != post), post]


def _forget() -> None:
    for key in (AUDITOR, DONE, SKIPPED):
        st.session_state.pop(key, None)


show(current())
