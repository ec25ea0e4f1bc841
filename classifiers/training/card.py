"""The model card, written from the figures of the training run that it describes."""

from collections import Counter
from collections.abc import Mapping, Sequence

from classifiers.codebook import OUTCOMES
from classifiers.evaluation import Evaluation
from classifiers.training.corpus import Example
from classifiers.training.package import Model

FIGURES = ("macro_f1", "accuracy", "relevance_f1", "share_error", "ece", "polarity_macro_f1", "aspects_micro_f1")


def metrics(evaluation: Evaluation) -> dict[str, float]:
    """Pick the figures that travel with a model."""
    found = {name: getattr(evaluation, name) for name in FIGURES}
    return {name: round(float(value), 4) for name, value in found.items() if value is not None}


def write(
    model: Model,
    evaluation: Evaluation,
    examples: Sequence[Example],
    *,
    method: str,
    sizes: Mapping[str, int],
    agreement: Mapping[str, float],
) -> str:
    """Write the card in Markdown."""
    languages = Counter(example.lang for example in examples)
    outcomes = Counter(example.outcome for example in examples)
    interval = evaluation.macro_f1_ci
    lines = [
        f"# Model card: {model.version}",
        "",
        "Labels posts about Grok by the project's codebook: whether a post is about Grok at all, its category, the author's stance, and the",
        "aspects it speaks of. Made for shares over many posts, not for judging a single post or a person.",
        "",
        "## Method",
        method,
        "",
        "## Data",
        f"{len(examples):,} posts in {len(languages)} languages, all written for this project, none taken from a platform. A tenth of those that hold the",
        "outcomes in the shares of real life is kept for validation. Posts by outcome: "
        + ", ".join(f"{name} {outcomes[name]:,}" for name in OUTCOMES)
        + ".",
        "",
        "Posts by language: " + ", ".join(f"{lang} {count:,}" for lang, count in languages.most_common()) + ".",
        "",
        f"## Figures on the written validation set ({evaluation.n} posts, never trained on)",
        "",
        "| figure | value |",
        "|---|---:|",
        f"| macro-F1 over seven outcomes | {evaluation.macro_f1:.3f} ({interval[0]:.3f} to {interval[1]:.3f}) |",
        *[f"| {name} | {value:.3f} |" for name, value in metrics(evaluation).items() if name != "macro_f1"],
        "",
        "| outcome | precision | recall | F1 | posts |",
        "|---|---:|---:|---:|---:|",
        *[
            f"| {name} | {row.precision:.2f} | {row.recall:.2f} | {row.f1:.2f} | {row.n} |"
            for name, row in evaluation.per_class.items()
        ],
        "",
        "| languages | macro-F1 | accuracy | posts |",
        "|---|---:|---:|---:|",
        *[
            f"| {name} | {row.macro_f1:.2f} | {row.accuracy:.2f} | {row.n} |"
            for name, row in sorted(evaluation.per_language_group.items())
        ],
        "",
        "Agreement of the shipped eight-bit weights with float32 on these posts: "
        + ", ".join(
            f"{name.removeprefix('agreement_')} {100 * value:.1f} %"
            for name, value in agreement.items()
            if name.startswith("agreement_")
        )
        + ".",
        "",
        "## Limits",
        "- Written posts are easier than real ones: they are wittier, and their writers knew the codebook. Expect lower figures on real posts.",
        "- Languages with few posts above rest on what the encoder carries over from others.",
        f"- A post is read up to {model.max_tokens} tokens; of a longer one its beginning and what stands around the first mention of Grok.",
        "- Sarcasm, posts that never name Grok, and quiet praise inside longer texts are missed most.",
        "",
        "## Files",
        *[f"- `{name}`: {size / 1e6:.1f} MB" for name, size in sizes.items()],
        "",
        "## Licence",
        "MIT. The encoder is multilingual-e5-small (MIT); see `classifiers/model/LICENCES.txt`.",
        "",
    ]
    return "\n".join(lines)
