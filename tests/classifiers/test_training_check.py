# ruff: noqa: RUF001 - posts in every script
import json

import pytest

from classifiers import leakage
from classifiers.training import check, corpus

GROK = "Grok took ninety seconds to say hello this morning, and then it lost the whole conversation again"
REAL = "honestly I would rather wait for the next release than read another thread about how slow this thing got"
CHINESE = "今天早上用它写周报等了整整一分半钟才吐出一句你好然后整段对话都没了"


def line(text, **other):
    post = {
        "n": 0, "text": text, "lang": "en", "source": "x", "relevant": True, "category": "latency", "polarity": "negative",
        "aspects": ["speed"], "origin": "written",
    }  # fmt: skip
    return {**post, **other}


def written(folder, *lines):
    folder.mkdir(exist_ok=True)
    (folder / "life-en.jsonl").write_text("\n".join(json.dumps(row) for row in lines))
    return folder


def real(path, *lines):
    path.write_text("\n".join(json.dumps(row) for row in lines))
    return path


def run(*arguments):
    return check.main([str(argument) for argument in arguments])


@pytest.mark.slow  # `make test` runs the same check on its own
def test_the_shipped_posts_pass():
    assert check.find(corpus.load()) == []


def test_posts_that_nobody_else_wrote_pass_and_are_counted_by_language_and_outcome(tmp_path, capsys):
    folder = written(
        tmp_path / "corpus", line(GROK), line("Grok hängt schon wieder", lang="de"), line("グロック重い", lang="ja")
    )

    code = run("--corpus", folder, "--against", real(tmp_path / "real.jsonl", {"text": REAL}))

    told = capsys.readouterr().out
    assert code == 0
    assert [row.split() for row in told.splitlines()[:2]][1] == ["en", "0", "1", "0", "0", "0", "0", "0", "1"]
    assert "3 posts, held against real.jsonl: nothing to mend" in told


@pytest.mark.parametrize(
    "theirs",
    [
        {"text": GROK},
        {"body": GROK.upper() + " !!"},
        {"title": "A title of another kind altogether", "selftext": REAL + ". " + GROK},
        {"title": GROK, "selftext": ""},
    ],
)
def test_a_post_that_repeats_a_real_one_or_a_sentence_of_it_fails_the_build(tmp_path, capsys, theirs):
    folder = written(tmp_path / "corpus", line("Grok is fine"), line(GROK))

    code = run("--corpus", folder, "--against", real(tmp_path / "real.jsonl", theirs))

    assert code == 1
    assert "life-en.jsonl:2: " in capsys.readouterr().out


def test_a_sentence_inside_a_longer_post_is_found(tmp_path, capsys):
    ours = f"So the wait is over, they say. I'm not convinced. {REAL.capitalize()}. Anyway, back to the garden."
    folder = written(tmp_path / "corpus", line(ours))

    code = run("--corpus", folder, "--against", real(tmp_path / "real.jsonl", {"text": f"lol. {REAL}, all of you"}))

    assert code == 1
    assert 'words of a real post: "honestly i would rather wait for the next"' in capsys.readouterr().out


def test_a_sentence_without_spaces_is_found_in_a_folder_of_files(tmp_path, capsys):
    folder = written(
        tmp_path / "corpus", line("说一下我的经历。" + CHINESE[4:24] + "就这样吧，谢谢大家听我唠叨这么久。", lang="zh")
    )
    (tmp_path / "stream" / "x").mkdir(parents=True)
    real(tmp_path / "stream" / "x" / "a.jsonl", {"text": CHINESE})

    code = run("--corpus", folder, "--against", tmp_path / "stream")

    assert code == 1
    assert "words of a real post" in capsys.readouterr().out


def test_stock_phrases_and_apostrophes_prove_nothing(tmp_path):
    ours = "I don't know if it's only me but I'd like to go back"
    folder = written(tmp_path / "corpus", line("@grok is this true?"), line(f"{ours}, Grok hangs"))
    theirs = real(
        tmp_path / "real.jsonl", {"text": "@grok is this true?"}, {"text": "I don't know if it's only me, hm"}
    )

    assert run("--corpus", folder, "--against", theirs) == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([line(GROK), line(GROK + "!")], "life-en.jsonl:2: nearly repeats life-en.jsonl:1"),
        ([line(GROK, category="satisfaction", aspects=[])], "satisfaction can't be negative"),
        ([line(GROK, polarity="positive")], "latency can't be positive"),
        ([line("Grok aaj bahut slow hai yaar, kuch load nahi ho raha", lang="hi")], "is hi-Latn, not hi"),
        ([line("ग्रोक आज बहुत धीमा चल रहा है", lang="hi-Latn")], "is hi, not hi-Latn"),
        ([line(GROK, lang="english")], '"english" is no language tag'),
        ([line(f"{GROK} {number * 7919}", lang="fr") for number in range(1, 22)], "language fr: only 0% of 21"),
    ],
)
def test_what_contradicts_codebook_and_tags_is_told_with_its_place(tmp_path, capsys, rows, said):
    code = run("--corpus", written(tmp_path / "corpus", *rows))

    assert code == 1
    assert said in capsys.readouterr().out


def test_a_line_that_breaks_the_schema_is_told_with_its_place(tmp_path, capsys):
    code = run("--corpus", written(tmp_path / "corpus", line(GROK), line(GROK, category="joy")))

    assert code == 1
    assert "life-en.jsonl:2" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "", "not json\n[]\n{}"])
def test_files_without_real_posts_do_not_count_as_checked(tmp_path, capsys, content):
    theirs = tmp_path / "real.jsonl"
    if content is not None:
        theirs.write_text(content)

    code = run("--corpus", written(tmp_path / "corpus", line(GROK)), "--against", theirs)

    assert code == 2
    assert "real.jsonl" in capsys.readouterr().err


def test_a_run_of_seven_words_is_nobodys():
    assert leakage.borrowed(["one two three four five six seven"], ["one two three four five six seven"]) == {}
    assert set(leakage.borrowed(["a b c d e f g h"], ["z a b c d e f g h"])) == {0}
