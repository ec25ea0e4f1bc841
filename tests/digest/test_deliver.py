"""The message, and its way over SMTP to real servers that take it, refuse it, or fall silent."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose import Letter, Picture
from digest.deliver import DeliveryError, MailServer, build_message, parse_address, send

SENDER = parse_address("Grokwatch <grokwatch@example.org>")
ANNA, BEN = parse_address("anna@example.org"), parse_address("Ben <ben@example.org>")
NOW = datetime(2025, 11, 25, 6, 30, tzinfo=UTC)
PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(range(256))
SUBJECT = "【サンプルデータ】Grok 第47週(2025年11月17日〜23日):五分類に明確な首位なし(n=107)"
LETTER = Letter(
    name="weekly-ja",
    period="2025-W47",
    lang="ja",
    subject=SUBJECT,
    html='<p>好奇心・興奮 32%</p><img src="cid:shares@grokwatch" alt="32%" />',
    text=".hidden dot\n好奇心・興奮 32%\n.\nend\n",
    pictures=[Picture(cid="shares@grokwatch", filename="shares.png", png=PNG, alt="32%")],
)


def message(*recipients):
    return build_message(
        LETTER, sender=SENDER, recipients=recipients or [ANNA], message_id="<1.weekly@example.org>", now=NOW
    )


def deliver(server, *recipients):
    people = recipients or (ANNA,)
    send(server, message(*people), sender=SENDER, recipients=people)


def refusal(server, *recipients) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        deliver(server, *recipients)
    assert not str(caught.value).endswith(".")
    assert caught.value.mend
    return caught.value


def test_a_message_says_what_it_is():
    parsed = message_from_bytes(message().as_bytes(), policy=policy.default)
    assert parsed["Subject"] == SUBJECT
    assert parsed["From"] == "Grokwatch <grokwatch@example.org>"
    assert parsed["To"] == "anna@example.org"
    assert parsed["Date"].datetime == NOW
    assert parsed["Message-ID"] == "<1.weekly@example.org>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["List-Id"] == "<weekly-ja.grokwatch.example.org>"
    assert parsed["Content-Language"] == "ja"
    assert message().as_bytes().isascii()


def test_text_comes_first_and_pictures_stand_beside_the_html():
    parsed = message_from_bytes(message().as_bytes(), policy=policy.default)
    assert parsed.get_content_type() == "multipart/alternative"
    text, related = parsed.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert related.get_content_type() == "multipart/related"
    html, picture = related.iter_parts()
    assert html.get_content().strip() == LETTER.html
    assert picture["Content-ID"] == "<shares@grokwatch>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PNG


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=120))
def test_any_subject_survives(subject):
    letter = Letter(name="n", period="p", lang="en", subject=subject, html="", text="", pictures=[])
    built = build_message(letter, sender=SENDER, recipients=[ANNA], message_id="<1@example.org>", now=NOW)
    assert message_from_bytes(built.as_bytes(), policy=policy.default)["Subject"] == subject


def test_several_recipients_do_not_see_each_other(inbox):
    deliver(inbox.server(), ANNA, BEN)
    (envelope,), (received,) = inbox.envelopes, inbox.messages
    assert envelope.rcpt_tos == ["anna@example.org", "ben@example.org"]
    assert received["To"] == "Grokwatch <grokwatch@example.org>"
    assert b"anna" not in envelope.content


def test_the_message_arrives_as_it_was_written(inbox):
    deliver(inbox.server())
    (received,) = inbox.messages
    assert received["Subject"] == SUBJECT
    assert received.get_body(("plain",)).get_content().replace("\r\n", "\n") == LETTER.text
    assert inbox.envelopes[0].mail_from == "grokwatch@example.org"


def test_starttls_with_a_trusted_certificate(mail_server, trusted):
    inbox = mail_server(tls_context=trusted.context, require_starttls=True)
    deliver(inbox.server(tls="starttls"))
    assert len(inbox.messages) == 1


def test_tls_from_the_start(mail_server, trusted):
    inbox = mail_server(ssl_context=trusted.context)
    deliver(inbox.server(tls="ssl"))
    assert len(inbox.messages) == 1


def test_a_certificate_nobody_vouches_for_is_refused(mail_server, certificate):
    inbox = mail_server(tls_context=certificate.context)
    error = refusal(inbox.server(tls="starttls"))
    assert "certificate" in str(error)
    assert "SSL_CERT_FILE" in error.mend
    assert not inbox.messages


def test_a_certificate_for_another_name_is_refused(mail_server, trusted):
    inbox = mail_server(tls_context=trusted.context)
    assert "certificate" in str(refusal(inbox.server(tls="starttls", host="localhost")))


def test_a_server_without_starttls_gets_nothing(inbox):
    error = refusal(inbox.server(tls="starttls"))
    assert "STARTTLS" in str(error)
    assert "GROKWATCH_SMTP__TLS" in error.mend
    assert not inbox.messages


def test_tls_to_a_server_that_speaks_none(inbox):
    assert "TLS" in str(refusal(inbox.server(tls="ssl")))


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_login_over_tls(mail_server, trusted, login):
    inbox = mail_server(tls_context=trusted.context, **login)
    deliver(inbox.server(tls="starttls", user="grok", password="watch"))
    assert len(inbox.messages) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_wrong_password_is_told_and_not_shown(mail_server, login):
    inbox = mail_server(**login)
    error = refusal(inbox.server(user="grok", password="wrong-secret"))
    assert "refused the login of grok" in str(error)
    assert "GROKWATCH_SMTP__PASSWORD" in error.mend
    assert "wrong-secret" not in str(error) + error.mend + repr(inbox.server(password="wrong-secret"))


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_server_that_wants_a_login_says_so(mail_server, login):
    error = refusal(mail_server(**login).server())
    assert "GROKWATCH_SMTP__USER" in error.mend


def test_a_login_that_is_not_offered(scripted_server):
    server = scripted_server()
    error = refusal(MailServer(host=server.host, port=server.port, tls="none", user="grok", password="watch"))
    assert "takes no login" in str(error)


@pytest.mark.parametrize("host", ["mail.example.org", "192.0.2.1", "localhost.example.org"])
def test_a_password_does_not_travel_in_the_open(host):
    error = refusal(MailServer(host=host, tls="none", user="grok", password="watch"))
    assert "without protection" in str(error)


def test_a_port_where_nothing_listens(inbox):
    error = refusal(MailServer(host="127.0.0.1", port=1, tls="none"))
    assert "127.0.0.1:1 can't be reached" in str(error)
    assert "GROKWATCH_SMTP__HOST" in error.mend


def test_a_name_that_does_not_exist():
    assert "can't be reached" in str(refusal(MailServer(host="mail.invalid", tls="none", timeout_seconds=3)))


def test_one_refused_recipient_does_not_keep_the_others_from_it(inbox):
    inbox.refused["anna@example.org"] = "550 no such user"
    error = refusal(inbox.server(), ANNA, BEN)
    assert "refused anna@example.org: 550 no such user" in str(error)
    assert error.delivered == ("ben@example.org",)
    assert inbox.envelopes[0].rcpt_tos == ["ben@example.org"]


def test_nothing_is_sent_where_every_recipient_is_refused(inbox):
    inbox.refused = {"anna@example.org": "550 no", "ben@example.org": "550 no"}
    error = refusal(inbox.server(), ANNA, BEN)
    assert "anna@example.org and 1 more" in str(error)
    assert error.delivered == ()
    assert not inbox.envelopes


def test_a_recipient_refused_for_now_is_a_matter_of_time(inbox):
    inbox.refused["anna@example.org"] = "450 greylisted"
    assert "try again later" in refusal(inbox.server()).mend


def test_a_refused_mail_is_not_uncertain(inbox):
    inbox.answer = "554 looks like spam"
    error = refusal(inbox.server())
    assert "554 looks like spam" in str(error)
    assert not error.uncertain


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"GREETING": "554 not today"}, "554 not today"),
        ({"GREETING": None}, "closed the connection"),
        ({"GREETING": ...}, "did not answer within 0.7 s"),
        ({"MAIL": "553 not your address"}, "refused the sender grokwatch@example.org: 553"),
        ({"MAIL": None}, "closed the connection"),
        ({"RCPT": "421 closing down"}, "421 closing down"),
        ({"RCPT": ...}, "did not answer"),
        ({"DATA": "451 disk full"}, "refused the mail: 451 disk full"),
        ({"DATA": None}, "closed the connection"),
    ],
)
def test_a_failure_before_the_mail_is_handed_over_is_certain(scripted_server, answers, told):
    error = refusal(scripted_server(**answers))
    assert told in str(error)
    assert not error.uncertain
    assert error.delivered == ()


@pytest.mark.parametrize("answer", [None, ...])
def test_silence_after_the_mail_leaves_it_uncertain(scripted_server, answer):
    error = refusal(scripted_server(END=answer))
    assert error.uncertain
    assert "may or may not arrive" in str(error)


def test_a_server_that_hangs_up_after_taking_the_mail_changes_nothing(scripted_server):
    deliver(scripted_server(QUIT=None))


@pytest.mark.parametrize(
    "text", ["", "anna", "@example.org", "anna@", "a b@example.org", "ännä@example.org", "a@b\nc", "a@b.org, c@b.org"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(DeliveryError, match="not an e-mail address"):
        parse_address(text)


def test_an_international_domain_is_written_in_ascii():
    assert parse_address("anna@bücher.example").addr_spec == "anna@xn--bcher-kva.example"
