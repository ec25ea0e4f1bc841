# ruff: noqa: RUF001 - posts in every script
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.codebook import Rival
from classifiers.rivals import find


@pytest.mark.parametrize(
    ("text", "rivals"),
    [
        ("Grok beats ChatGPT", "chatgpt"),
        ("グロックとチャッピー、チャットGPTを比べた", "chatgpt"),
        ("GPT-5.1 と比べると Grok は速い", "chatgpt"),
        ("o3 and o4-mini are slower than Grok 4, says the benchmark", "chatgpt"),
        ("그록이 챗GPT보다 낫다", "chatgpt"),
        ("Грок лучше, чем ЧатГПТ", "chatgpt"),
        ("जीपीटी नहीं, चैटजीपीटी", "chatgpt"),
        ("OpenAI's Sora makes better video than Imagine", "chatgpt"),
        ("Codex is stuck again", "chatgpt"),
        ("ChatGPTよりGrok派", "chatgpt"),
        ("クロードのほうが好き", "claude"),
        ("Opus 4.5 and Sonnet are pricey, Grok is not", "claude"),
        ("克劳德比格罗克强", "claude"),
        ("Клод пишет лучше Грока, с Клодом проще", "claude"),
        ("كلود أفضل من جروك", "claude"),
        ("클로드로 갈아탔다", "claude"),
        ("Anthropic raised money", "claude"),
        ("ジェミニ乗り換え", "gemini"),
        ("Гемини быстрее", "gemini"),
        ("جيميني أسرع", "gemini"),
        ("제미나이가 더 빠름", "gemini"),
        ("Nano Banana draws better than Imagine", "gemini"),
        ("Veo 3 vs Imagine", "gemini"),
        ("Google Bard was worse", "gemini"),
        ("OpenAI and Google are ahead of xAI", "chatgpt gemini"),
        ("딥시크", "deepseek"),
        ("Deep Seek is cheaper", "deepseek"),
        ("GitHub Copilot with Grok Code", "copilot"),
        ("コパイロット", "copilot"),
        ("Llama 4 was a flop", "llama"),
        ("Meta AI in WhatsApp", "llama"),
        ("Grok, Llama, Qwen: which model?", "llama qwen"),
        ("Mistral is the European one", "mistral"),
        ("Perplexity cites better", "perplexity"),
        ("千问 和 Qwen3-Max", "qwen"),
        ("Gemini, Claude, ChatGPT, Grok", "chatgpt claude gemini"),
        ("ＣｈａｔＧＰＴ 𝗖𝗹𝗮𝘂𝗱𝗲", "chatgpt claude"),
        ("#ChatGPT @claudeai @OpenAI", "chatgpt claude"),
        ("①ChatGPT ②Gemini ③Claude ④Grok", "chatgpt claude gemini"),
        ("Copilot○ Claude× Grok×", "claude copilot"),
        ("This is the best. Claude said so, c'est Claude pour réfléchir", "claude"),
        ("챗지보다 그록", "chatgpt"),
        ("جی پی ٹی سے اوپر", "chatgpt"),
        ("Grok і Llama: над гуглом, над оупенаями, локальна модель", "chatgpt gemini llama"),
        ("slower than o3 but Grok 4 nailed mine", "chatgpt"),
        ("I can't tell Grok from Sonnet any more", "claude"),
        ("moved the batch from Haiku to grok-4-fast", "claude"),
        ("grok 的价格跟 sonnet 差不多", "claude"),
        ("干了之前 Opus 80 多刀的活", "claude"),
        ("grok imagine vs veo", "gemini"),
        ("zrezygnowałem, w pracy mam Copilota i Claudem piszę", "claude copilot"),
        ("Llama skončila až za Mistralem, tenhle model", "llama mistral"),
        ("je suis repassée sur Le Chat, Grok me corrigeait mal", "mistral"),
        ("جربت لاما على Groq", "llama"),
    ],
)
def test_rivals_are_named_in_any_script_once_and_in_the_order_of_the_codebook(text, rivals):
    assert " ".join(find(text)) == rivals


@pytest.mark.parametrize(
    "text",
    [
        "As a Gemini with a Leo moon, Grok's horoscope fits me",
        "Grok painted it in the style of Claude Monet",
        "Jean-Claude asked Grok",
        "クロード・モネ風にGrokで生成",
        "Клод Моне",
        "my llama at the farm likes alpacas",
        "¿Cómo se llama el bot de Elon?",
        "no veo la hora de que Grok cargue",
        "the pilot left the cockpit to the copilot",
        "asked Grok for a sonnet about rain",
        "Grok wrote its magnum opus",
        "The model's perplexity of 12 is fine",
        "le mistral souffle fort, le vent est froid",
        "le chat dort sur Grok",
        "I googled it, then asked Grok; Google Maps was no help",
        "found it on Google before xAI did",
        "Sora from Kingdom Hearts, drawn by Grok",
        "disk is GPT, not MBR",
        "Grok 4.1 is here",
        "I eat a banana",
        "St. Claude Avenue, says Grok",
        "Opus 27 no. 2 is a piano sonata",
        "帮我写一首 haiku",
        "no veo y no leo lo que pone Grok Imagine",
        "il copilota del rally",
        "Войти через гугл-аккаунт",
        "",
    ],
)
def test_names_that_mean_something_else_are_no_rivals(text):
    assert find(text) == ()


def test_a_name_inside_another_word_is_no_rival():
    assert find("Claudette geminiani qwerty unperplexityed") == ()


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=200)
def test_any_text_gives_distinct_rivals_in_order(text):
    found = find(text)

    assert list(found) == [rival for rival in Rival if rival in found]


@pytest.mark.parametrize(
    "piece", ["claude", "gpt ", "o1", "Google ", "llama ", "\u0301\u0323\u0316", "jean-", "perplexity of ", "クロード"]
)
def test_ten_megabytes_take_less_than_a_second(piece):
    begun = time.process_time()
    find(piece * (10_000_000 // len(piece)))

    assert time.process_time() - begun < 1.0
