import json

import numpy as np
import pytest

tokenizers = pytest.importorskip("tokenizers")

from classifiers import encoder  # noqa: E402
from classifiers.training import vocabulary  # noqa: E402

PIECES = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["\u2581", -2.0], ["a", -3.0], ["b", -3.0], ["\u2581ab", -4.0],
          ["ba", -5.0], ["\u2581bab", -9.0], ["<mask>", 0.0]]  # fmt: skip


def base() -> dict:
    special = [{"id": number, "content": piece, "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
               for number, (piece, _) in enumerate(PIECES) if piece.startswith("<")]  # fmt: skip
    return {
        "version": "1.0",
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
        "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": PIECES},
    }  # fmt: skip


def test_the_most_frequent_pieces_stay_and_single_characters_always():
    shares = np.zeros(len(PIECES))
    shares[9] = 0.9

    kept = vocabulary.choose(base()["model"], [shares], 4)

    assert {4, 5, 6, 9} == set(kept)


def test_a_pruned_tokenizer_spells_with_what_is_left():
    whole = tokenizers.Tokenizer.from_str(json.dumps(base()))
    part = tokenizers.Tokenizer.from_str(json.dumps(vocabulary.pruned(base(), [4, 5, 6, 8])))

    assert whole.encode("bab").tokens == ["<s>", "\u2581bab"]
    assert part.encode("bab").tokens in (["<s>", "\u2581", "ba", "b"], ["<s>", "\u2581", "b", "a", "b"])
    assert part.token_to_id("<mask>") == part.get_vocab_size() - 1


def test_rows_lead_back_to_the_base_vocabulary():
    part = vocabulary.pruned(base(), [5, 8])

    assert vocabulary.rows_of(part, base()).tolist() == [0, 1, 2, 3, 5, 8, 10]


def test_growth_is_counted_in_per_cent():
    whole = tokenizers.Tokenizer.from_str(json.dumps(base()))
    part = tokenizers.Tokenizer.from_str(json.dumps(vocabulary.pruned(base(), [4, 5, 6])))

    (row,) = vocabulary.growth(whole, part, {"xx": ["ab ab"]}, "posts")

    assert (row.before, row.after, row.percent) == (2, 6, pytest.approx(200))


@pytest.mark.parametrize(
    "text",
    ["Grok 4.1 は速い", "그록 최고", "घ्रोक", "ไทย", "Ελλάδα", "עברית", "🤖🔥", "ß ñ ç ő ş ł", "龘", "0123456789 !?#@"],
)
def test_the_shipped_tokenizer_knows_the_signs_of_many_scripts(text: str):
    tokenizer = tokenizers.Tokenizer.from_file(str(encoder.SHIPPED / encoder.TOKENIZER))

    assert "<unk>" not in tokenizer.encode(text).tokens
