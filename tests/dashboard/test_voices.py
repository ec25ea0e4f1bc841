"""The page of posts and phrases: what it shows of a period, and what it says where there is nothing."""

import pytest

VOICES = "screens/voices.py"


def told(app) -> str:
    return "\n".join(part.value for part in (*app.title, *app.header, *app.text, *app.caption, *app.info))


@pytest.mark.parametrize(("language", "title"), [("en", "Typical posts"), ("ja", "代表的な投稿")])
def test_posts_are_shown_with_where_they_come_from(fill, serve, sqlite_url, language, title):
    fill(sqlite_url)
    app = serve(sqlite_url, lang=language).switch_page(VOICES).run()
    assert not app.exception
    assert title in told(app)
    assert any(text.value.startswith("Grok, remark") for text in app.text)
    assert "100%" in told(app)


def test_another_category_and_period_show_other_posts(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url).switch_page(VOICES).run()
    before = [text.value for text in app.text]
    app.selectbox(key="voices.category").select_index(1).run()
    assert not app.exception
    assert [text.value for text in app.text] != before


def test_nothing_to_show_is_said(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url).switch_page(VOICES).run()
    app.selectbox(key="voices.category").select_index(5).run()  # no post there is labelled `other`
    assert "No post of this period" in told(app)


def test_sample_posts_are_told_and_without_posts_the_page_says_what_to_do(fill, serve, sqlite_url):
    fill(sqlite_url, weeks=2, kind="sample")
    app = serve(sqlite_url).switch_page(VOICES).run()
    assert "Sample post" in told(app)


def test_an_empty_database_is_no_error(fill, serve, sqlite_url):
    fill(sqlite_url, weeks=0)
    app = serve(sqlite_url).switch_page(VOICES).run()
    assert not app.exception
    assert "grokwatch import" in app.info[0].value


def test_the_choice_of_posts_goes_along_from_page_to_page(fill, serve, sqlite_url):
    fill(sqlite_url)
    app = serve(sqlite_url)
    app.radio(key="step.en").set_value("month").run()
    app.switch_page(VOICES).run()
    assert app.radio(key="step.voices.en").value == "month"
    assert app.selectbox(key="voices.period.month.en").value[0].day == 1
    app.multiselect(key="source.voices.en").set_value(["x"]).run()
    app.switch_page("screens/overview.py").run()
    assert app.multiselect(key="source.en").value == ["x"]
    assert app.radio(key="step.en").value == "month"
