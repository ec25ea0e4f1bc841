"""`grokwatch digest`: previews, the real sending over STARTTLS, and every mistake in one sentence."""

import json
import socket
import sys
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller

from classifiers.codebook import FIVE
from db import digests
from digest.week import Week
from grokwatch.cli.main import main
from insights.shares import total
from insights.wording import percent

WEEK = Week.parse("2025-W47")


class Inbox:
    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(envelope.content, policy=policy.default) for envelope in self.envelopes]


@pytest.fixture
def inbox(monkeypatch, unused_port):
    box = Inbox()
    controller = Controller(box, hostname="127.0.0.1", port=unused_port)
    controller.start()
    for name, value in {
        "SMTP__HOST": "127.0.0.1",
        "SMTP__PORT": str(unused_port),
        "SMTP__TLS": "none",
        "DIGEST__SENDER": "Grokwatch <grokwatch@example.org>",
        "DIGEST__RECIPIENTS": "anna@example.org, ben@example.org",
    }.items():
        monkeypatch.setenv(f"GROKWATCH_{name}", value)
    yield box
    controller.stop()


@pytest.fixture
def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def grokwatch(monkeypatch, capsys):
    """Run the command line; gives exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["grokwatch", "digest", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


def fill(archive, week=WEEK):
    for category, n in zip(FIVE, (20, 12, 9, 8, 6), strict=True):
        archive.add(n, category, at=week.start + timedelta(hours=9))


@pytest.fixture
def filled(sqlite_archive):
    fill(sqlite_archive)
    return sqlite_archive.engine


def test_the_digest_arrives_with_the_shares_on_either_database(archive, database_url, monkeypatch, inbox, grokwatch):
    monkeypatch.setenv("GROKWATCH_DATABASE_URL", database_url)
    fill(archive)
    code, out, err = grokwatch("--week", "2025-W47", "--send", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["week"], told["lang"] == ("2025-W47", "en")
    assert (told["sent"], told["recipients"], told["posts"], told["status"]) == (True, 2, 55, "ok")
    (message,) = inbox.messages
    assert inbox.envelopes[0].rcpt_tos == ["anna@example.org", "ben@example.org"]
    assert message["Subject"] == told["subject"]
    with archive.engine.connect() as connection:
        shares = total(connection, start=WEEK.start, end=WEEK.end)
        assert digests.find(connection, "weekly-en", "2025-W47").sent_at is not None
    for subtype in ("plain", "html"):
        content = message.get_body((subtype,)).get_content()
        assert all(percent(share.share) in content for share in shares)
    pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert len(pictures) == 1
    assert all(
        f"cid:{picture['Content-ID'][1:-1]}" in message.get_body(("html",)).get_content() for picture in pictures
    )


def test_a_second_sending_is_refused_and_force_repeats_it(filled, inbox, grokwatch):
    assert grokwatch("--week", "2025-W47", "--send")[0] == 0
    code, _, err = grokwatch("--week", "2025-W47", "--send")
    assert code == 1
    assert "already sent on" in err
    assert grokwatch("--week", "2025-W47", "--send", "--lang", "ja")[0] == 0
    assert grokwatch("--week", "2025-W47", "--send", "--force")[0] == 0
    assert [message["Content-Language"] for message in inbox.messages] == ["en", "ja", "en"]


def test_to_replaces_the_recipients(filled, inbox, grokwatch):
    code, out, _ = grokwatch("--week", "2025-W47", "--send", "--to", "cora@example.org", "--to", "CORA@example.org")
    assert code == 0
    assert "Sent to 1 recipient:" in out
    assert inbox.envelopes[0].rcpt_tos == ["cora@example.org"]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_preview_is_written_and_nothing_is_recorded(filled, grokwatch, tmp_path, lang):
    before = tmp_path / "a.html"
    before.write_text("old")
    code, out, _ = grokwatch("--week", "2025-W47", "--lang", lang, "--preview", "a.html", "--json")
    assert code == 0
    assert json.loads(out)["preview"] == "a.html"
    html = before.read_text(encoding="utf-8")
    assert f'lang="{lang}"' in html
    assert "data:image/png;base64," in html
    assert "cid:" not in html
    with filled.connect() as connection:
        assert digests.find(connection, f"weekly-{lang}", "2025-W47") is None
        assert connection.exec_driver_sql("SELECT count(*) FROM runs WHERE kind = 'digest'").scalar_one() == 0


def test_a_preview_for_a_mail_program_is_a_message(filled, grokwatch, tmp_path):
    assert grokwatch("--week", "2025-W47", "--preview", "a.eml", "--to", "cora@example.org")[0] == 0
    message = message_from_bytes((tmp_path / "a.eml").read_bytes(), policy=policy.default)
    assert message["To"] == "cora@example.org"
    assert message.get_content_type() == "multipart/alternative"


def test_a_dash_prints_the_plain_text(filled, grokwatch):
    code, out, _ = grokwatch("--week", "2025-W47", "--preview", "-")
    assert code == 0
    assert out.startswith("What people said about Grok\nWeek 47 of 2025")


def test_the_last_complete_week_is_the_default(filled, grokwatch):
    _, out, _ = grokwatch("--preview", "a.txt", "--json")
    assert json.loads(out)["week"] == str(Week.last_complete(datetime.now(UTC)))
    assert json.loads(out)["status"] == "no_posts"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--preview FILE"),
        (["--preview", "a.html", "--send"], "either previewed or sent"),
        (["--week", "2025-47", "--preview", "a.html"], "2025-W47"),
        (["--week", "2025-W53", "--preview", "a.html"], "2025 has no week 53"),
        (["--week", "2999-W01", "--preview", "a.html"], "has not begun"),
        (["--preview", "a.pdf"], ".html, .eml or .txt"),
        (["--preview", "-", "--json"], "standard output"),
        (["--lang", "fr", "--preview", "-"], "--lang"),
        (["--send"], "GROKWATCH_SMTP__HOST, GROKWATCH_DIGEST__SENDER, GROKWATCH_DIGEST__RECIPIENTS"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(filled, grokwatch, arguments, told):
    code, out, err = grokwatch(*arguments)
    assert (code, out) == (2, "")
    assert told in err.replace("\n", " ")
    assert "Traceback" not in err


def test_only_what_is_missing_is_asked_for(filled, grokwatch, monkeypatch):
    monkeypatch.setenv("GROKWATCH_SMTP__HOST", "127.0.0.1")
    code, _, err = grokwatch("--send", "--to", "anna@example.org", "--json")
    assert code == 2
    assert json.loads(err)["mend"] == "set GROKWATCH_DIGEST__SENDER in .env or the environment"


def test_a_running_week_is_previewed_but_sent_only_by_force(sqlite_archive, inbox, grokwatch):
    now = datetime.now(UTC)
    week = Week.of(now)
    sqlite_archive.add(40, FIVE[0], at=week.start)
    code, _, err = grokwatch("--week", str(week), "--send")
    assert code == 2
    assert "not complete" in err
    assert grokwatch("--week", str(week), "--preview", "a.html")[0] == 0
    assert grokwatch("--week", str(week), "--send", "--force")[0] == 0
    assert inbox.messages[0]["Subject"].startswith("[so far]")


def test_a_week_that_tells_nothing_is_sent_only_by_force(sqlite_archive, inbox, grokwatch):
    code, _, err = grokwatch("--week", "2025-W47", "--send")
    assert code == 1
    assert "no posts" in err
    sqlite_archive.add(40, None, at=WEEK.start, labelled=False)
    code, _, err = grokwatch("--week", "2025-W47", "--send", "--json")
    assert code == 1
    assert "grokwatch classify" in json.loads(err)["mend"]
    assert not inbox.messages
    assert grokwatch("--week", "2025-W47", "--send", "--force")[0] == 0


def test_a_mail_server_that_is_away_is_told_in_a_sentence(filled, inbox, grokwatch, monkeypatch):
    monkeypatch.setenv("GROKWATCH_SMTP__PORT", "1")
    code, _, err = grokwatch("--week", "2025-W47", "--send", "--json")
    assert code == 1
    assert "can't be reached" in json.loads(err)["error"]
    with filled.connect() as connection:
        assert digests.find(connection, "weekly-en", "2025-W47").sent_at is None


def test_a_folder_that_is_not_there_is_told(filled, grokwatch):
    code, _, err = grokwatch("--week", "2025-W47", "--preview", "nowhere/a.html")
    assert code == 1
    assert "can't be written" in err


def test_an_address_that_is_none_is_told(filled, inbox, grokwatch):
    code, _, err = grokwatch("--week", "2025-W47", "--send", "--to", "anna")
    assert code in {1, 2}
    assert "'anna' is not an e-mail address" in err
