"""The dashboard: `grokwatch up` serves it, `streamlit run dashboard/app.py` does for development.

What is shown is the address's to say (see `dashboard.view`); figures are asked of `insights`; nothing is written but that somebody
took note of an alert.

The pages lie in `screens/`: Streamlit takes a folder called `pages` beside this file for an application of its older kind, runs
its files by themselves on the first request, and then forgets what the reader chose.
"""

from datetime import UTC, datetime

import streamlit as st
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from dashboard import figures
from dashboard.context import KEY, Context, words
from dashboard.sidebar import choose_language
from dashboard.view import View
from db.errors import DatabaseError
from grokwatch.settings import Settings

VIEW = "view"


def main() -> None:
    """Draw the page that the address names."""
    try:
        settings = Settings()
    except ValidationError as error:
        _refuse(words("en")("trouble.settings"), str(error.errors()[0]["msg"]), words("en")("trouble.settings_mend"))
        return
    if VIEW not in st.session_state:
        st.session_state[VIEW] = View.from_params(st.query_params, language=settings.language)
    st.session_state[VIEW] = choose_language(st.session_state[VIEW])
    view: View = st.session_state[VIEW]
    texts = words(view.language)
    st.set_page_config(page_title=texts("page.title"), page_icon="📡", layout="wide")
    pages = [
        st.Page("screens/overview.py", title=texts("page.overview"), url_path="overview", default=True),
        st.Page("screens/alerts.py", title=texts("page.alerts"), url_path="alerts"),
        st.Page("screens/voices.py", title=texts("page.voices"), url_path="voices"),
        st.Page("screens/audit.py", title=texts("page.audit"), url_path="audit"),
        st.Page("screens/data.py", title=texts("page.data"), url_path="data"),
        st.Page("screens/about.py", title=texts("page.about"), url_path="about"),
    ]
    page = st.navigation(pages, position="top")
    try:
        engine = figures.database(settings.database_url)
        stock = figures.stock(settings.database_url, engine)
        if stock.sample:
            st.warning(texts("sample.notice"), icon=":material/science:")
        st.session_state[KEY] = Context(
            words=texts,
            view=view,
            url=settings.database_url,
            engine=engine,
            stock=stock,
            now=datetime.now(UTC),
        )
        page.run()
    except DatabaseError as error:
        _refuse(texts("trouble.database"), str(error), texts("trouble.database_mend", mend=error.mend))
    except SQLAlchemyError as error:
        _refuse(
            texts("trouble.database"), type(error).__name__, texts("trouble.database_mend", mend="grokwatch doctor")
        )
    _write_address(st.session_state[VIEW], settings)


def _refuse(trouble: str, reason: str, mend: str) -> None:
    st.error(f"**{trouble}**\n\n{reason}\n\n{mend}", icon=":material/error:")


def _write_address(view: View, settings: Settings) -> None:
    params = view.params(language=settings.language)
    if params != st.query_params.to_dict():
        st.query_params.from_dict(params)


if __name__ == "__main__":
    main()
