"""`grokwatch audit`: a sheet goes out blind and comes back checked; every mistake is named by its line."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from classifiers.codebook import Category
from db import ingest, retention
from db.errors import DatabaseError
from db.models import Audit, Post, Run
from grokwatch.audit_sheet import COLUMNS, SheetError, read, same_text
from grokwatch.cli.audit import app
from grokwatch.cli.session import UsageError
from grokwatch.exported_files import State, clean

MOMENT = datetime(2025, 12, 1, tzinfo=UTC)
HEADING = "id,relevant,category,polarity,aspects\n"


def call(*arguments):
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result


@pytest.fixture
def drawn(sqlite_archive):
    sqlite_archive.add(60, Category.BIAS, lang="ja")
    sqlite_archive.add(60, Category.LATENCY, source="x")
    sqlite_archive.add(40, None)
    call("draw", "--n", "80", "--name", "first", "--seed", "5")
    return sqlite_archive


def sheet(file):
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))


def fill_in(file, verdicts, *, lines=None):
    """Write verdicts into the first lines of a sheet."""
    filled = sheet(file)
    for row in filled[:lines]:
        row.update(verdicts)
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(filled)


def labels(archive):
    with archive.engine.connect() as connection:
        query = select(*Audit.__table__.columns).where(Audit.labelled_at.is_not(None)).order_by(Audit.id)
        return connection.execute(query).all()


BIAS = {"relevant": "true", "category": "bias", "polarity": "negative", "aspects": "bias, safety"}


def test_a_draw_tells_its_name_its_size_and_its_seed(drawn):
    told = json.loads(call("draw", "--n", "20", "--lang", "ja", "--json").stdout)
    assert (told["posts"], told["frame"], told["outcomes"]["bias"]) == (20, 60, 20)
    assert f"seed {told['seed']}" in call("draw", "--n", "1", "--seed", str(told["seed"])).stdout


def test_the_sheet_shows_posts_and_not_what_the_model_says(drawn, tmp_path):
    file = tmp_path / "posts.csv"
    call("export", str(file), "--draw", "first")
    rows = sheet(file)
    assert len(rows) == 80
    assert tuple(rows[0]) == COLUMNS
    assert all(row["text"].startswith("Grok, number") for row in rows)
    assert not any(row[name] for row in rows for name in COLUMNS[-4:])
    assert "latency" not in file.read_text("utf-8-sig")
    with pytest.raises(UsageError, match="exists already"):
        call("export", str(file))


def test_a_filled_sheet_comes_in_once(drawn, tmp_path):
    file = tmp_path / "posts.csv"
    call("export", str(file))
    fill_in(file, BIAS, lines=55)
    told = json.loads(call("import", str(file), "--auditor", " yuki ", "--json").stdout)
    assert told == {
        "auditor": "yuki", "labelled": 55, "unchanged": 0, "deleted": 0, "changed_text": 0, "empty": 25,
    }  # fmt: skip
    row = labels(drawn)[0]
    assert (row.auditor, row.relevant, row.category, row.polarity) == ("yuki", True, "bias", "negative")
    assert row.aspects == ["bias", "safety"]
    assert json.loads(call("import", str(file), "--auditor", "yuki", "--json").stdout)["unchanged"] == 55
    assert len(labels(drawn)) == 55
    call("export", str(tmp_path / "rest.csv"), "--auditor", "yuki")
    assert len(sheet(tmp_path / "rest.csv")) == 25
    found = json.loads(call("report", "--json").stdout)
    assert (found["posts"], found["auditors"]) == (55, {"yuki": 55})
    assert found["confusion"]["bias"]["latency"] > 0
    assert "Same outcome" in call("report").stdout


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{id},true,,negative,", "line 2: the post is relevant but category is empty"),
        ("{id},false,bias,,", "line 2: category is 'bias' but the post is not relevant"),
        ("{id},false,,,price", "line 2: aspects is 'price' but the post is not relevant"),
        ("{id},maybe,,,", "line 2: relevant is 'maybe', not true or false"),
        ("{id},true,anger,,", "line 2: category is 'anger', not one of excitement, latency"),
        ("{id},true,bias,bad,", "line 2: polarity is 'bad', not one of positive, negative"),
        ("{id},true,bias,negative,cost", "line 2: aspects is 'cost', not one of speed"),
        ("{id},,bias,,", "line 2: relevant is empty"),
        ("seven,true,bias,,", "line 2: the id 'seven' is no number"),
        ("999999,true,bias,,", "line 2: the post 999999 is in no draw"),
        ("{id},true,bias,,\n{id},true,bias,,", "line 3: the post [0-9]+ stands on line 2 already"),
    ],
)
def test_a_line_that_breaks_the_codebook_is_named_and_nothing_is_stored(drawn, tmp_path, line, sentence):
    with drawn.engine.connect() as connection:
        first = connection.scalar(select(Audit.post_id).order_by(Audit.id))
        other = connection.scalar(select(Audit.post_id).where(Audit.post_id != first))
    file = tmp_path / "posts.csv"
    file.write_text(HEADING + line.format(id=first) + f"\n{other},true,bias,,\n", encoding="utf-8")
    with pytest.raises(DatabaseError, match=sentence):
        call("import", str(file), "--auditor", "yuki")
    assert not labels(drawn)


def test_a_file_that_is_no_sheet_is_refused_in_one_sentence(drawn, tmp_path):
    file = tmp_path / "posts.csv"
    file.write_text("id,comment\n1,nice\n", encoding="utf-8")
    with pytest.raises(UsageError, match="the first line has no relevant and no category"):
        call("import", str(file), "--auditor", "yuki")
    file.write_bytes("id\xe9".encode("latin-1"))
    with pytest.raises(UsageError, match="is not UTF-8"):
        call("import", str(file), "--auditor", "yuki")
    with pytest.raises(UsageError, match="--auditor has 1 to 64"):
        call("import", str(file), "--auditor", " ")
    with pytest.raises(UsageError, match="there is no draw second"):
        call("export", str(tmp_path / "other.csv"), "--draw", "second")


def test_semicolons_line_breaks_and_yes_are_read():
    filled, problems, empty = read(
        '\ufeffid;text;relevant;category;polarity;aspects\r\n7;"two\r\nlines";Yes;Bias;;"speed; price"\r\n8;x;;;;\r\n9;y;no;;;\r\n10;z;no;bias;;\r\n'
    )
    assert [(row.line, row.post_id, row.verdict.relevant) for row in filled] == [(2, 7, True), (5, 9, False)]
    assert [aspect.value for aspect in filled[0].verdict.aspects] == ["speed", "price"]
    assert [problem.split(":")[0] for problem in problems] == ["line 6"]
    assert empty == 1
    assert same_text("'=two\r\n lines", "=two\nlines")
    with pytest.raises(SheetError):
        read("")


def test_labels_of_posts_that_changed_or_went_since_the_export_are_left_out(drawn, tmp_path):
    file = tmp_path / "posts.csv"
    call("export", str(file))
    fill_in(file, BIAS)
    first, second, *_ = sheet(file)
    with drawn.engine.begin() as connection:
        ingest.entomb(connection, [int(first["id"])], now=MOMENT)
        connection.execute(Post.__table__.update().where(Post.id == int(second["id"])).values(text="Grok, anew"))
    told = json.loads(call("import", str(file), "--auditor", "yuki", "--json").stdout)
    assert (told["labelled"], told["deleted"], told["changed_text"]) == (78, 1, 1)


def test_a_sheet_is_an_export_that_deleted_posts_are_taken_out_of(drawn, tmp_path):
    file = tmp_path / "posts.csv"
    call("export", str(file))
    gone = sheet(file)[0]
    with drawn.engine.begin() as connection:
        ingest.entomb(connection, [int(gone["id"])], now=MOMENT)
        assert [one.path for one in retention.exports(connection)] == [str(file)]
        assert connection.scalar(select(Run.status).where(Run.kind == "export")) == "ok"
    (cleaned,) = clean(drawn.engine)
    assert (cleaned.state, cleaned.rows) == (State.CLEANED, 1)
    assert gone["id"] not in {row["id"] for row in sheet(file)}
    assert file.read_bytes().startswith("\ufeff".encode())


def test_before_anything_was_drawn_the_next_step_is_told(sqlite_archive, tmp_path):
    assert "grokwatch audit draw" in call("report").stdout
    with pytest.raises(DatabaseError, match="nothing was drawn yet"):
        call("export", str(tmp_path / "posts.csv"))
    with pytest.raises(DatabaseError, match="no labelled post"):
        call("draw")


def test_a_name_with_a_blank_is_quoted_in_the_command_that_follows(drawn):
    assert "--draw 'week 47' posts.csv" in call("draw", "--n", "20", "--name", "week 47").output
