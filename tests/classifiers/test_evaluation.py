import pytest

from classifiers.base import Label
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.evaluation import evaluate, language_group
from classifiers.evaluation_report import as_html, as_json
from classifiers.gold import GoldPost


def post(outcome, *, text="Grok", lang="en", source="x", polarity=None, aspects=(), line=1):
    relevant = outcome != "irrelevant"
    return GoldPost(
        line=line,
        id=None,
        text=text,
        lang=lang,
        source=source,
        relevant=relevant,
        category=Category(outcome) if relevant else None,
        polarity=Polarity(polarity) if polarity else None,
        aspects=frozenset(map(Aspect, aspects)),
    )


def label(outcome, *, p=1.0, polarity=None, aspects=()):
    """Say `outcome` with the probability `p`; what is left goes evenly to the other six."""
    rest = (1 - p) / 6
    relevant = outcome != "irrelevant"
    p_irrelevant = rest if relevant else p
    within = {c: (p if c == outcome else rest) / (1 - p_irrelevant) if p_irrelevant < 1 else 1 / 6 for c in Category}
    return Label(
        relevant=relevant,
        p_relevant=1 - p_irrelevant,
        category=Category(outcome) if relevant else None,
        probabilities=within,
        polarity=Polarity(polarity) if polarity else None,
        aspects=tuple(map(Aspect, aspects)),
        mentions=(),
        lang="en",
    )


def test_right_answers_score_one_and_leave_no_error():
    outcomes = [*Category, "irrelevant"]

    measured = evaluate([post(o) for o in outcomes], [label(o) for o in outcomes])

    assert (measured.accuracy, measured.macro_f1, measured.relevance_f1) == (1, 1, 1)
    assert measured.share_error == pytest.approx(0)
    assert measured.ece == 0
    assert measured.mistakes == ()


def test_macro_f1_is_the_mean_over_outcomes_that_are_there_or_claimed():
    # latency: both found, one false alarm; other: missed; the remaining five occur nowhere
    gold = [post("latency"), post("latency"), post("other")]

    measured = evaluate(gold, [label("latency")] * 3)

    assert measured.macro_f1 == pytest.approx((0.8 + 0) / 2)
    assert measured.per_class["latency"].precision == pytest.approx(2 / 3)
    assert measured.per_class["latency"].recall == 1
    assert measured.per_class["bias"].n == 0


def test_an_outcome_that_is_claimed_without_being_there_counts_as_zero():
    measured = evaluate([post("latency"), post("latency")], [label("latency"), label("bias")])

    assert measured.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_a_category_of_an_irrelevant_label_is_no_outcome():
    stray = Label(
        relevant=False,
        p_relevant=0.2,
        category=Category.BIAS,
        probabilities=dict.fromkeys(Category, 1 / 6),
        polarity=None,
        aspects=(Aspect.SPEED,),
        mentions=(),
        lang="en",
    )

    measured = evaluate([post("irrelevant")], [stray])

    assert measured.accuracy == 1
    assert measured.aspects_micro_f1 is None


def test_shares_come_from_probabilities_not_from_labels():
    gold = [post("excitement"), post("latency")]
    unsure = label("excitement", p=0.5)

    measured = evaluate(gold, [unsure, unsure])

    # each post gives 0.5 to excitement and a twelfth to every other of the five: 0.5 / (0.5 + 4/12) = 0.6
    assert measured.estimated_shares["excitement"] == pytest.approx(0.6)
    assert measured.true_shares == {"excitement": 0.5, "latency": 0.5, "bias": 0, "satisfaction": 0, "abandonment": 0}
    assert measured.share_error == pytest.approx((0.1 + 0.4 + 0.1 + 0.1 + 0.1) / 2)


def test_without_a_post_of_the_five_there_is_no_share_error():
    assert evaluate([post("other")], [label("other")]).share_error is None


def test_confidence_is_the_probability_of_the_outcome_given():
    measured = evaluate([post("irrelevant"), post("latency")], [label("irrelevant", p=0.7), label("bias", p=0.7)])

    (bin_,) = [row for row in measured.calibration if row.n]
    assert bin_.confidence == pytest.approx(0.7)
    assert measured.ece == pytest.approx(0.2)


def test_a_relevant_post_taken_for_irrelevant_misses_its_polarity():
    gold = [post("bias", polarity="negative"), post("bias", polarity="negative"), post("irrelevant")]
    labels = [label("bias", polarity="negative"), label("irrelevant"), label("bias", polarity="positive")]

    measured = evaluate(gold, labels)

    # negative: one of two found, no false alarm among the relevant posts
    assert measured.polarity_macro_f1 == pytest.approx(2 / 3)
    assert set(measured.per_polarity) == {"negative"}


def test_aspects_are_counted_over_all_posts():
    gold = [post("latency", aspects=["speed", "price"]), post("irrelevant")]
    labels = [label("latency", aspects=["speed"]), label("other", aspects=["media"])]

    assert evaluate(gold, labels).aspects_micro_f1 == pytest.approx(2 * 1 / (2 + 2))


def test_parts_are_measured_by_language_group_and_source():
    gold = [post("other", lang="zh-Hans"), post("other", lang="zh-Hant", source="reddit"), post("bias", lang=None)]

    measured = evaluate(gold, [label("other")] * 3)

    assert {tag: part.n for tag, part in measured.per_language.items()} == {"und": 1, "zh-Hans": 1, "zh-Hant": 1}
    assert measured.per_language_group["Chinese"].n == 2
    assert measured.per_language_group["Undetermined"].accuracy == 0
    assert measured.per_source["reddit"].accuracy == 1


@pytest.mark.parametrize(
    ("tag", "group"),
    [("pt-BR", "Romance"), ("hi-Latn", "South Asian"), ("fi", "Other languages"), (None, "Undetermined")],
)
def test_languages_belong_to_groups(tag, group):
    assert language_group(tag) == group


def test_the_same_seed_gives_the_same_intervals_around_the_value():
    gold = [post("latency")] * 20 + [post("other")] * 20
    labels = [label("latency")] * 15 + [label("other")] * 25

    first, second, other = (evaluate(gold, labels, seed=seed, samples=300) for seed in (1, 1, 2))

    assert first.macro_f1_ci == second.macro_f1_ci != other.macro_f1_ci
    assert first.macro_f1_ci[0] < first.macro_f1 < first.macro_f1_ci[1]


def test_the_surest_mistakes_come_first_and_at_most_twenty():
    gold = [post("bias", line=number) for number in range(30)]
    labels = [label("other", p=0.5 + number / 100) for number in range(30)]

    mistakes = evaluate(gold, labels).mistakes

    assert [mistake.post.line for mistake in mistakes] == list(range(29, 9, -1))


@pytest.mark.parametrize(("gold", "labels"), [([], []), ([post("other")], [])])
def test_nothing_to_compare_is_refused(gold, labels):
    with pytest.raises(ValueError):
        evaluate(gold, labels)


def test_the_json_has_the_fields_that_other_programs_rely_on_and_no_text():
    measured = evaluate([post("bias", text="a private post")], [label("other", polarity="neutral")])

    figures = as_json(measured)

    assert {
        "n", "accuracy", "macro_f1", "macro_f1_ci", "relevance_f1", "polarity_macro_f1", "aspects_micro_f1", "ece",
        "share_error", "per_class", "per_language",
    } <= set(figures)  # fmt: skip
    assert list(figures["per_class"]) == [*Category, "irrelevant"]
    assert set(figures["per_class"]["bias"]) == {"precision", "recall", "f1", "n"}
    assert set(figures["per_language"]["en"]) == {"n", "macro_f1", "accuracy"}
    assert figures["confusion"]["bias"]["other"] == 1
    assert "private" not in str(figures)


def test_the_page_holds_every_part_of_an_evaluation():
    gold = [
        post("bias", polarity="negative", aspects=["bias"], text="a slant"),
        post("other", lang="ja", source="reddit"),
    ]
    measured = evaluate(gold, [label("other", p=0.9), label("other")])

    page = as_html(measured, title="t", model="m", rivals={}, skipped={})

    for part in (
        "Macro-F1",
        "Accuracy",
        "Relevance F1",
        "Polarity macro-F1",
        "Aspects micro-F1",
        "(ECE)",
        "Share error",
    ):
        assert part in page
    for part in (
        "Rivals",
        "Outcomes",
        "Confusion",
        "Calibration",
        "Shares",
        "Language groups",
        "Sources",
        "Surest mistakes",
    ):
        assert f"<h2>{part}" in page
    assert "a slant" in page


def test_the_page_is_self_contained_and_escapes_what_posts_say():
    measured = evaluate([post("bias", text="<script>alert(1)</script>\x1b[31m")], [label("other")])

    page = as_html(
        measured, title="A & B", model="m<1>", rivals={"<i>": as_json(measured)}, skipped={"tfidf": "no <library>"}
    )

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "A &amp; B" in page
    assert "&lt;i&gt;" in page
    assert "tfidf was left out: no &lt;library&gt;." in page
    assert "http" not in page
    assert "\x1b" not in page
