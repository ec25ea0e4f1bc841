"""What a model has to beat: methods that anyone could set up in an afternoon, measured on the same posts.

`majority` always gives the outcome that is commonest in the measured file: no constant answer is right more often.
`sentiment` reads moods from a small multilingual word list, as generic sentiment tools do, and maps praise to
satisfaction, blame to the report's largest complaint and everything else to other; it cannot tell what is about Grok.
`tfidf_logreg` is a logistic regression over words and character n-grams, trained on the project's corpus; it needs scikit-learn.
`zero_shot_e5` and `frozen_e5_linear` need the base encoder's checkpoint; see `classifiers.contenders_e5`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from classifiers import contenders_e5, encoder
from classifiers import gold as gold_files
from classifiers.base import Label
from classifiers.codebook import IRRELEVANT, OUTCOMES, Category, Polarity
from classifiers.contenders_e5 import CanNotRunError
from classifiers.evaluation import evaluate
from classifiers.gold import GoldError, GoldPost
from classifiers.text import normalise

Figures = dict[str, Any]
_SAMPLES: Final = 500
_TOKENIZER: Final = encoder.SHIPPED / encoder.TOKENIZER
"""Says which pieces of the base encoder's vocabulary the contenders read: those that the shipped model reads."""


def compare(
    gold: Sequence[GoldPost],
    *,
    corpus: Path,
    base: Path,
    cache: Path,
    on_start: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Figures], dict[str, str]]:
    """Measure every contender that can run here.

    Parameters
    ----------
    gold
        The measured posts.
    corpus
        Folder of the training posts, for the contenders that learn.
    base, cache
        Checkpoint of the base encoder for the contenders that need it, and where they keep what took them long.
    on_start
        Hears a contender's name before it begins, and what it does where that takes long.

    Returns
    -------
    rivals, skipped
        Figures by name, and the reason by name of each one that can't run.
    """
    methods: Mapping[str, Callable[[], list[Label]]] = {
        "majority": lambda: majority(gold),
        "sentiment": lambda: sentiment(gold),
        "tfidf_logreg": lambda: _tfidf_of(gold, corpus),
        "zero_shot_e5": lambda: [
            _label(row)
            for row in contenders_e5.zero_shot(
                [post.text for post in gold], base=base, cache=cache, tokenizer=_TOKENIZER
            )
        ],
        "frozen_e5_linear": lambda: contenders_e5.frozen_linear(
            gold,
            corpus=corpus,
            base=base,
            cache=cache,
            tokenizer=_TOKENIZER,
            progress=lambda what: on_start(f"frozen_e5_linear ({what})"),
        ),
    }
    rivals: dict[str, Figures] = {}
    skipped: dict[str, str] = {}
    for name, method in methods.items():
        on_start(name)
        try:
            rivals[name] = _figures(gold, method())
        except CanNotRunError as error:
            skipped[name] = str(error)
    return rivals, skipped


def _tfidf_of(gold: Sequence[GoldPost], corpus: Path) -> list[Label]:
    if find_spec("sklearn") is None:
        raise CanNotRunError("scikit-learn is not installed; it comes with the extra train")
    try:
        training = [post for path in sorted(corpus.glob("*.jsonl")) for post in gold_files.read(path)]
    except GoldError as error:
        raise CanNotRunError(f"the training corpus can't be read: {error}") from error
    measured = {post.text for post in gold}
    training = [post for post in training if post.text not in measured]
    if not training:
        raise CanNotRunError("there is no training corpus here")
    try:
        return tfidf_logreg(gold, training)
    except ValueError as error:  # too few posts, or all of one outcome
        raise CanNotRunError(f"the training corpus does not suffice: {error}") from error


def majority(gold: Sequence[GoldPost]) -> list[Label]:
    """Answer with the commonest outcome, always."""
    outcome = Counter(post.outcome for post in gold).most_common(1)[0][0]
    return [_label({outcome: 1.0}) for _ in gold]


def sentiment(gold: Sequence[GoldPost]) -> list[Label]:
    """Answer from the balance of kind and unkind words."""
    return [_from_mood(_mood(post.text)) for post in gold]


def tfidf_logreg(gold: Sequence[GoldPost], training: Sequence[GoldPost]) -> list[Label]:
    """Train a logistic regression over word and character n-grams on `training`, and answer with it."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - only with the extra `train`
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline, make_union  # noqa: PLC0415

    terms: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32}
    model: Any = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=30_000, **terms),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=3, max_features=40_000, **terms),
        ),
        # saga: the macro-F1 of the default solver in a tenth of its time
        LogisticRegression(C=4.0, solver="saga", tol=0.01, max_iter=50, random_state=0),
    )
    model.fit([normalise(post.text) for post in training], [post.outcome for post in training])
    classes = [str(name) for name in model.classes_]
    rows: Any = model.predict_proba([normalise(post.text) for post in gold])
    return [_label(dict(zip(classes, map(float, row), strict=True))) for row in rows]


def _figures(gold: Sequence[GoldPost], labels: Sequence[Label]) -> Figures:
    measured = evaluate(gold, labels, samples=_SAMPLES)
    return {
        "macro_f1": round(measured.macro_f1, 4),
        "macro_f1_ci": [round(end, 4) for end in measured.macro_f1_ci],
        "accuracy": round(measured.accuracy, 4),
        "relevance_f1": round(measured.relevance_f1, 4),
        "share_error": None if measured.share_error is None else round(measured.share_error, 4),
        "ece": round(measured.ece, 4),
        "polarity_macro_f1": _if_told(measured.polarity_macro_f1, told=any(label.polarity for label in labels)),
        "aspects_micro_f1": _if_told(measured.aspects_micro_f1, told=any(label.aspects for label in labels)),
    }


def _if_told(value: float | None, *, told: bool) -> float | None:
    """Keep a figure of what a method answers at all: none is not zero."""
    return None if value is None or not told else round(value, 4)


def _label(outcomes: Mapping[str, float], polarity: Polarity | None = None) -> Label:
    """Turn seven probabilities into a label: the likeliest outcome."""
    best = max(OUTCOMES, key=lambda outcome: outcomes.get(outcome, 0.0))
    p_relevant = 1.0 - outcomes.get(IRRELEVANT, 0.0)
    within = {
        category: outcomes.get(category.value, 0.0) / p_relevant if p_relevant else 1 / 6 for category in Category
    }
    relevant = best != IRRELEVANT
    return Label(
        relevant=relevant,
        p_relevant=p_relevant,
        category=Category(best) if relevant else None,
        probabilities=within,
        polarity=polarity if relevant else None,
        aspects=(),
        mentions=(),
        lang="und",
    )


def _from_mood(mood: int) -> Label:
    if mood == 0:
        return _label({Category.OTHER.value: 1.0}, Polarity.NEUTRAL)
    if mood > 0:
        return _label({Category.SATISFACTION.value: 1.0}, Polarity.POSITIVE)
    return _label({Category.LATENCY.value: 1.0}, Polarity.NEGATIVE)


_KIND: Final = re.compile(
    r"\b(?:good|great|love|best|amazing|awesome|impressive|useful|perfect|excellent|helpful|bueno|buena|genial|excelente|mejor|increíble"
    r"|bom|boa|ótimo|melhor|adorei|gut|toll|super|beste|genial|bon|bonne|meilleur|parfait|ottimo|migliore|goed|geweldig|dobry|świetny"
    r"|хорош\w*|лучш\w*|отличн\w*|круто|супер|iyi|harika|güzel|bagus|keren|mantap|tốt|tuyệt)\b"
    r"|好用|厉害|厲害|不错|不錯|喜欢|喜歡|惊艳|驚艷|牛逼|完美|すごい|凄い|最高|便利|良い|好き|優秀|좋|최고|대박|훌륭|ممتاز|رائع|أفضل|अच्छा|बढ़िया|शानदार"
    "|[😀😃😄😁😍🥰🤩👍👏🔥🎉💯🏆❤]",
    re.IGNORECASE,
)
_UNKIND: Final = re.compile(
    r"\b(?:bad|worst|terrible|awful|hate|broken|useless|slow|trash|garbage|fail(?:s|ed)?|error|bug|scam|disappoint\w*|malo|mala|peor|horrible"
    r"|lento|inútil|ruim|pior|lixo|péssimo|schlecht|langsam|kaputt|furchtbar|mauvais|lent|nul|pire|pessimo|slecht|traag|zły|wolny|gorszy"
    r"|плох\w*|медленн\w*|ужас\w*|хуже|kötü|yavaş|berbat|jelek|lambat|parah|lemot|tệ|chậm|dở)\b"
    r"|垃圾|太慢|难用|難用|失望|卡死|报错|報錯|糟糕|降智|遅い|重い|最悪|ひどい|ダメ|使えない|エラー|느리|최악|별로|쓰레기|سيء|بطيء|أسوأ|बेकार|खराब|धीमा"
    "|[😡😠🤬👎💩😤😭🤡🙄]",
    re.IGNORECASE,
)


def _mood(text: str) -> int:
    kind, unkind = len(_KIND.findall(text[:5_000])), len(_UNKIND.findall(text[:5_000]))
    return (kind > unkind) - (kind < unkind)
