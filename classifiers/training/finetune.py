"""The encoder trained together with its heads, from the same posts, into the same kind of folder as `classifiers.training.train`.

    python -m classifiers.training.finetune --base build/base --out build/model

The vocabulary's rows stay frozen (they ship in four bits, see `classifiers.training.export`), lower layers learn more slowly than upper ones, and
the epoch with the lowest loss on the written validation posts wins. Stopped at any moment, a run goes on from the last
epoch when it is started again with the same settings.
"""

import argparse
import contextlib
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from classifiers import cues, encoder
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.text import normalise
from classifiers.training import base_encoder, corpus, heads, package, train
from classifiers.training.base_encoder import WORDS, Base
from classifiers.training.corpus import Example
from classifiers.training.export import Head

VERSION: Final = "e5s-tuned-2026.11"
SIZES: Final[Mapping[str, int]] = {
    "relevance": 1,
    "category": len(Category),
    "polarity": len(Polarity),
    "aspects": len(Aspect),
}
LOSS_WEIGHTS: Final[Mapping[str, float]] = {"relevance": 1.0, "category": 1.0, "polarity": 0.5, "aspects": 2.0}
SORTED_TOGETHER: Final = 32
"""Batches whose posts are drawn together and sorted by length, so that a batch pads little and yet is drawn at random."""
METHOD: Final = """\
multilingual-e5-small (MIT, 12 layers, 384 wide), fine-tuned together with four linear heads on the written posts; its vocabulary, pruned to
{pieces:,} pieces, stayed frozen. The outcomes count with their shares of real life. The best epoch, the temperatures and the thresholds were
chosen on the validation posts below. Weights in eight bits, activations quantised by token, the vocabulary in four bits.
Settings: {settings}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run depends on; another value is another run."""

    epochs: int = 6
    batch: int = 32
    rate: float = 3e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.85
    warm_up: float = 0.1
    weight_decay: float = 0.01
    smoothing: float = 0.05
    patience: int = 2
    max_tokens: int = 160
    seed: int = 1
    half: bool = True
    layers: tuple[int, ...] = (12,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A post ready to be put into a batch."""

    ids: list[int]
    cues: tuple[float, ...]
    relevant: float
    category: int
    polarity: int
    aspects: list[float]
    weight: float


class Network(nn.Module):
    """The encoder and its heads."""

    def __init__(self, base: Base, layers: Sequence[int]) -> None:
        super().__init__()
        config = BertConfig(
            **{name: value for name, value in base.config.items() if name not in ("model_type", "architectures")}
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.encoder.load_state_dict(
            {name: torch.from_numpy(value) for name, value in base.weights.items()}, strict=False
        )
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)
        self.layers = tuple(layers)
        width = len(layers) * config.hidden_size + len(cues.NAMES)
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in SIZES.items()})
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, facts: Tensor) -> dict[str, Tensor]:
        """Give the logits of every head."""
        mask = (ids != self.encoder.config.pad_token_id).long()
        states = self.encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        share = (mask / mask.sum(1, keepdim=True)).unsqueeze(-1)
        means = [(states[layer].float() * share).sum(1) for layer in self.layers]
        features = self.dropout(torch.cat([*means, facts], 1))
        return {name: head(features) for name, head in self.heads.items()}


def groups(network: Network, settings: Settings) -> list[dict[str, Any]]:
    """Give every layer its learning rate: the last one the full rate, each one below a little less."""
    count = network.encoder.config.num_hidden_layers
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("heads."):
            rate = settings.head_rate
        else:
            parts = name.split(".")
            depth = int(parts[3]) + 1 if parts[1] == "encoder" else 0
            rate = settings.rate * settings.layer_decay ** (count - depth)
        found.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "full_rate": rate, "weight_decay": settings.weight_decay if matrix else 0.0}
        for (rate, matrix), parameters in found.items()
    ]


def loss_of(logits: Mapping[str, Tensor], items: Sequence[Item], smoothing: float) -> Tensor:
    """Weighted loss of a batch over all heads; category, polarity and aspects count where the post is relevant."""
    weight = torch.tensor([item.weight for item in items])
    relevant = torch.tensor([item.relevant for item in items])
    inside = weight * relevant
    softened = relevant * (1 - smoothing) + smoothing / 2
    losses = {
        "relevance": nn.functional.binary_cross_entropy_with_logits(logits["relevance"][:, 0], softened, reduction="none") * weight,
        "category": _cross_entropy(logits["category"], [item.category for item in items], smoothing) * inside,
        "polarity": _cross_entropy(logits["polarity"], [item.polarity for item in items], smoothing) * inside,
        "aspects": nn.functional.binary_cross_entropy_with_logits(
            logits["aspects"], torch.tensor([item.aspects for item in items]), reduction="none"
        ).mean(1) * inside,
    }  # fmt: skip
    return torch.stack([LOSS_WEIGHTS[name] * value.mean() for name, value in losses.items()]).sum()


def _cross_entropy(logits: Tensor, truth: list[int], smoothing: float) -> Tensor:
    return nn.functional.cross_entropy(logits, torch.tensor(truth), reduction="none", label_smoothing=smoothing)


def items_of(examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, max_tokens: int) -> list[Item]:
    """Tokenise posts as Grokwatch does when it labels them."""
    texts = [normalise(example.text) for example in examples]
    tokens = tokenizer([package.PREFIX + cues.focus(text) for text in texts], truncation=True, max_length=max_tokens)[
        "input_ids"
    ]
    return [
        Item(
            ids=ids,
            cues=cues.of(text),
            relevant=float(example.relevant),
            category=list(Category).index(example.category) if example.category else 0,
            polarity=list(Polarity).index(example.polarity) if example.polarity else 0,
            aspects=[float(aspect in example.aspects) for aspect in Aspect],
            weight=float(weight),
        )
        for example, text, ids, weight in zip(examples, texts, tokens, heads.sample_weights(examples), strict=True)
    ]


def batches(items: Sequence[Item], size: int, draw: random.Random | None) -> Iterator[list[int]]:
    """Split posts into batches of about one length: in random order for training, in order of length without `draw`."""
    numbers = list(range(len(items)))
    if draw:
        draw.shuffle(numbers)
    pool = size * SORTED_TOGETHER if draw else len(numbers)
    cut: list[list[int]] = []
    for start in range(0, len(numbers), max(pool, 1)):
        part = sorted(numbers[start : start + pool], key=lambda number: len(items[number].ids))
        cut += [part[at : at + size] for at in range(0, len(part), size)]
    if draw:
        draw.shuffle(cut)
    yield from cut


def _logits(network: Network, items: Sequence[Item], *, half: bool) -> dict[str, Tensor]:
    width = max(len(item.ids) for item in items)
    pad = network.encoder.config.pad_token_id
    ids = torch.tensor([item.ids + [pad] * (width - len(item.ids)) for item in items])
    facts = torch.tensor([item.cues for item in items])
    with torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext():
        logits = network(ids, facts)
    return {name: value.float() for name, value in logits.items()}


def all_logits(network: Network, items: Sequence[Item], settings: Settings) -> dict[str, Tensor]:
    """Give the logits of all posts, in their order."""
    network.eval()
    found = {name: torch.zeros(len(items), size) for name, size in SIZES.items()}
    with torch.inference_mode():
        for numbers in batches(items, settings.batch, None):
            for name, value in _logits(network, [items[number] for number in numbers], half=settings.half).items():
                found[name][numbers] = value
    return found


def tune(
    network: Network,
    items: Sequence[Item],
    unseen: Sequence[Item],
    settings: Settings,
    *,
    folder: Path,
    progress: Callable[[str], None],
) -> float:
    """
    Train until the loss on the unseen posts has not fallen for some epochs; leave the best weights in the network.

    Returns
    -------
    float
        Seconds that the last epoch took.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, best = folder / "last.pt", folder / "best.pt"
    optimiser = torch.optim.AdamW(groups(network, settings), betas=(0.9, 0.98), eps=1e-6)
    lowest, waited, first, seconds = float("inf"), 0, 0, 0.0
    if last.exists():
        state = torch.load(last, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        lowest, waited, first = state["lowest"], state["waited"], state["epoch"] + 1
        progress(f"going on after epoch {first}")
    steps = -(-len(items) // settings.batch)
    for epoch in range(first, settings.epochs):
        if waited >= settings.patience:
            break
        # Each epoch has its own seed: one that is started again draws what it would have drawn.
        torch.manual_seed(settings.seed * 1000 + epoch)
        started = time.monotonic()
        _epoch(network, items, optimiser, settings, epoch=epoch, steps=steps, progress=progress)
        seconds = time.monotonic() - started
        loss = float(loss_of(all_logits(network, unseen, settings), unseen, 0.0))
        progress(f"epoch {epoch + 1} of {settings.epochs}: {seconds / 60:.1f} min, validation loss {loss:.4f}")
        waited = 0 if loss < lowest else waited + 1
        if loss < lowest:
            lowest = loss
            torch.save(network.state_dict(), best)
        state = {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "lowest": lowest,
            "waited": waited,
            "epoch": epoch,
        }
        torch.save(state, last.with_suffix(".new"))
        last.with_suffix(".new").replace(last)
    network.load_state_dict(torch.load(best, weights_only=True))
    return seconds


def _epoch(
    network: Network,
    items: Sequence[Item],
    optimiser: torch.optim.Optimizer,
    settings: Settings,
    *,
    epoch: int,
    steps: int,
    progress: Callable[[str], None],
) -> None:
    network.train()
    total, warm, started = (
        steps * settings.epochs,
        max(1, int(steps * settings.epochs * settings.warm_up)),
        time.monotonic(),
    )
    draw = random.Random(settings.seed * 1000 + epoch)  # noqa: S311  # order of training, no secret
    for number, members in enumerate(batches(items, settings.batch, draw)):
        at = epoch * steps + number
        pace = (at + 1) / warm if at < warm else (total - at) / max(1, total - warm)
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * pace
        part = [items[member] for member in members]
        loss = loss_of(_logits(network, part, half=settings.half), part, settings.smoothing)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if number % 20 == 19:  # noqa: PLR2004  # a line every half minute or so
            left = (time.monotonic() - started) / (number + 1) * (total - at - 1)
            progress(
                f"epoch {epoch + 1}, batch {number + 1} of {steps}, loss {float(loss):.3f}, {left / 60:.0f} min left at most"
            )


def model_of(
    network: Network, base: Base, settings: Settings, calibration: heads.Calibration, examples: Sequence[Example]
) -> package.Model:
    """Take the trained weights out of the network, and see on some posts how loud its channels are."""
    weights = {
        name: value.detach().numpy() for name, value in network.encoder.state_dict().items() if name in base.weights
    }
    layers = {
        name: Head(weight=head.weight.detach().numpy().T.copy(), bias=head.bias.detach().numpy())
        for name, head in network.heads.items()
    }
    tuned = Base(weights={**weights, WORDS: base.weights[WORDS]}, config=base.config, tokenizer=base.tokenizer)
    texts = [example.text for example in examples]
    return package.Model(
        version=VERSION,
        base=tuned,
        pooled_layers=settings.layers,
        heads=layers,
        calibration=calibration,
        max_tokens=settings.max_tokens,
        peaks=package.observe(tuned, texts[:: max(1, len(texts) // train.OBSERVED)], max_tokens=settings.max_tokens),
    )


def main() -> None:
    """Run the whole way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("build/base"))
    parser.add_argument("--tokenizer", type=Path, default=encoder.SHIPPED / encoder.TOKENIZER)
    parser.add_argument("--corpus", type=Path, default=corpus.FOLDER)
    parser.add_argument("--work", type=Path, default=Path("build/finetune"), help="folder of the checkpoints")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--limit", type=int, help="train on this many posts only, to measure the speed")
    defaults = Settings()
    parser.add_argument("--layers", type=int, nargs="+", default=list(defaults.layers))
    parser.add_argument("--float32", action="store_true", help="do not compute in bfloat16")
    for name, value in asdict(defaults).items():
        if name not in ("layers", "half"):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    arguments = parser.parse_args()
    named = {name: getattr(arguments, name) for name in asdict(defaults) if name not in ("layers", "half")}
    settings = Settings(**named, layers=tuple(arguments.layers), half=not arguments.float32)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(settings.seed)
    np.random.default_rng(settings.seed)
    started = time.monotonic()

    def progress(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:6.0f} s  {what}\n")

    examples = corpus.load(arguments.corpus)
    parts = corpus.split(examples)
    seen = (
        parts["train"][:: max(1, len(parts["train"]) // arguments.limit)][: arguments.limit]
        if arguments.limit
        else parts["train"]
    )
    base = base_encoder.read(arguments.base).with_vocabulary(json.loads(arguments.tokenizer.read_text("utf-8")))
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(arguments.tokenizer), pad_token="<pad>")  # noqa: S106  # no password
    tokenizer.backend_tokenizer.encode_special_tokens = True
    items, unseen = (items_of(part, tokenizer, settings.max_tokens) for part in (seen, parts["validation"]))
    network = Network(base, settings.layers)
    progress(f"{len(items):,} posts to train on, {len(unseen):,} to validate on")
    run = hashlib.sha256(repr((settings, [example.digest for example in seen])).encode()).hexdigest()[:12]
    tune(network, items, unseen, settings, folder=arguments.work / run, progress=progress)
    logits = {name: value.double().numpy() for name, value in all_logits(network, unseen, settings).items()}
    model = model_of(network, base, settings, heads.calibrate(logits, parts["validation"]), seen)
    method = METHOD.format(
        pieces=base.config["vocab_size"], settings=", ".join(f"{k} {v}" for k, v in asdict(settings).items())
    )
    figures = train.ship(
        model, examples, out=arguments.out, card_path=arguments.card or arguments.out / "model-card.md", method=method,
        threads=arguments.threads,
    )  # fmt: skip
    sys.stdout.write(json.dumps({"version": model.version, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
