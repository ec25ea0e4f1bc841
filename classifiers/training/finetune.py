"""The encoder trained together with its heads, from the same posts, into the same kind of folder as `classifiers.training.train`.

    python -m classifiers.training.finetune --base build/base --out build/model

The vocabulary's rows stay frozen (they ship in four bits, see `classifiers.training.export`), and so do the embeddings and the lowest
layers (`--frozen`), whose output is computed once; of the others the lower ones learn more slowly than the upper ones, and the epoch with the lowest loss on the written validation posts wins. Stopped at any moment, a run goes on from the last
epoch when it is started again with the same settings.
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from classifiers import cues, encoder
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.text import normalise
from classifiers.training import base_encoder, corpus, heads, package, train
from classifiers.training.base_encoder import WORDS, Base
from classifiers.training.corpus import Example
from classifiers.training.export import Head
from classifiers.training.network import (
    Average,
    Item,
    Network,
    all_logits,
    batches,
    groups,
    keep_lower,
    logits_of,
    loss_of,
)

VERSION: Final = "e5s-tuned-2026.11.25.2"
METHOD: Final = """\
multilingual-e5-small (MIT, 12 layers, 384 wide), fine-tuned together with four linear heads on the written posts; its vocabulary, pruned to
{pieces:,} pieces, stayed frozen. The heads see the mean of the last layer over all tokens, its mean over the pieces that name Grok, and {cues} facts about the spelling.
The outcomes count with their shares of real life. The epoch and the thresholds were chosen on the validation posts below, the temperatures on those of
them whose texts were written before their labels. Weights in eight bits, activations quantised by token, the vocabulary in four bits.
Settings: {settings}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run depends on; another value is another run."""

    epochs: int = 5
    batch: int = 32
    rate: float = 3e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.85
    warm_up: float = 0.1
    weight_decay: float = 0.01
    smoothing: float = 0.05
    unread: float = 0.1
    average: float = 0.998
    last_pace: float = 0.1
    patience: int = 2
    max_tokens: int = 160
    seed: int = 1
    half: bool = True
    layers: tuple[int, ...] = (12,)
    frozen: int = 6


def items_of(examples: Sequence[Example], tokenizer: Tokenizer) -> list[Item]:
    """Tokenise posts as Grokwatch does when it labels them."""
    texts = [normalise(example.text) for example in examples]
    tokens = encoder.tokenise(texts, tokenizer, prefix=package.PREFIX)
    return [
        Item(
            ids=pieces.ids,
            named=pieces.named,
            cues=cues.of(text),
            relevant=float(example.relevant),
            category=list(Category).index(example.category) if example.category else 0,
            polarity=list(Polarity).index(example.polarity) if example.polarity else 0,
            aspects=[float(aspect in example.aspects) for aspect in Aspect],
            # A post of a balanced file counts less: it is seen in fewer epochs, which saves their time.
            weight=float(weight) / (1.0 if example.real_life else heads.BALANCED_WEIGHT),
            rate=1.0 if example.real_life else heads.BALANCED_WEIGHT,
        )
        for example, text, pieces, weight in zip(examples, texts, tokens, heads.sample_weights(examples), strict=True)
    ]


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
    optimiser = torch.optim.AdamW(
        groups(
            network,
            rate=settings.rate,
            head_rate=settings.head_rate,
            layer_decay=settings.layer_decay,
            weight_decay=settings.weight_decay,
        ),
        betas=(0.9, 0.98),
        eps=1e-6,
    )
    average = Average(network, settings.average)
    lowest, waited, first, seconds = float("inf"), 0, 0, 0.0
    if last.exists():
        state = torch.load(last, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        average.weights, average.steps = state["average"], state["steps"]
        lowest, waited, first = state["lowest"], state["waited"], state["epoch"] + 1
        progress(f"going on after epoch {first}")
    for epoch in range(first, settings.epochs):
        if waited >= settings.patience:
            break
        # Each epoch has its own seed: one that is started again draws what it would have drawn.
        torch.manual_seed(settings.seed * 1000 + epoch)
        started = time.monotonic()
        drawn = _drawn(items, random.Random(settings.seed * 1000 + epoch))  # noqa: S311  # order of training, no secret
        _epoch(network, drawn, optimiser, average, settings, epoch=epoch, progress=progress)
        seconds = time.monotonic() - started
        with average.instead(network):
            loss = float(loss_of(all_logits(network, unseen, batch=settings.batch, half=settings.half), unseen, 0.0))
            progress(f"epoch {epoch + 1} of {settings.epochs}: {seconds / 60:.1f} min, validation loss {loss:.4f}")
            waited = 0 if loss < lowest else waited + 1
            if loss < lowest:
                lowest = loss
                torch.save(network.state_dict(), best)
        state = {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.weights,
            "steps": average.steps,
            "lowest": lowest,
            "waited": waited,
            "epoch": epoch,
        }
        torch.save(state, last.with_suffix(".new"))
        last.with_suffix(".new").replace(last)
    network.load_state_dict(torch.load(best, weights_only=True))
    return seconds


def _drawn(items: Sequence[Item], draw: random.Random) -> list[Item]:
    """Draw the posts of an epoch: of those that share a rate always the same number."""
    rates = sorted({item.rate for item in items})
    alike = [[item for item in items if item.rate == rate] for rate in rates]
    return [
        item
        for rate, members in zip(rates, alike, strict=True)
        for item in draw.sample(members, round(rate * len(members)))
    ]


def _epoch(
    network: Network,
    items: Sequence[Item],
    optimiser: torch.optim.Optimizer,
    average: Average,
    settings: Settings,
    *,
    epoch: int,
    progress: Callable[[str], None],
) -> None:
    network.train()
    steps = -(-len(items) // settings.batch)
    total, warm, started = (
        steps * settings.epochs,
        max(1, int(steps * settings.epochs * settings.warm_up)),
        time.monotonic(),
    )
    draw = random.Random(settings.seed * 1000 + epoch)  # noqa: S311  # order of training, no secret
    for number, members in enumerate(batches(items, settings.batch, draw)):
        at = epoch * steps + number
        pace = (at + 1) / warm if at < warm else max((total - at) / max(1, total - warm), settings.last_pace)
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * pace
        part = [items[member] for member in members]
        loss = loss_of(logits_of(network, part, half=settings.half, unread=settings.unread), part, settings.smoothing)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.follow(network)
        if number % 20 == 19:  # noqa: PLR2004  # a line every half minute or so
            left = (time.monotonic() - started) / (number + 1) * (total - at - 1)
            progress(
                f"epoch {epoch + 1}, batch {number + 1} of {steps}, loss {float(loss.detach()):.3f}, {left / 60:.0f} min left at most"
            )


def calibrated(
    network: Network, unseen: Sequence[Item], examples: Sequence[Example], settings: Settings
) -> heads.Calibration:
    """Learn how sure the model may be from the posts that are most like real ones, where there are any, and the thresholds from all."""
    logits = {
        name: value.double().numpy()
        for name, value in all_logits(network, unseen, batch=settings.batch, half=settings.half).items()
    }
    near = np.array([example.text_first for example in examples])
    if not near.any():
        return heads.calibrate(logits, examples)
    nearest = [example for example in examples if example.text_first]
    temperatures = heads.calibrate({name: value[near] for name, value in logits.items()}, nearest).temperatures
    return heads.calibrate(logits, examples, temperatures=temperatures)


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
    parser.add_argument(
        "--start", type=Path, help="begin with the weights of an earlier run (its best.pt), not with the base's"
    )
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
    tokenizer = encoder.read_tokenizer(arguments.tokenizer, max_tokens=settings.max_tokens)
    items, unseen = (items_of(part, tokenizer) for part in (seen, parts["validation"]))
    network = Network(base, settings.layers, frozen=settings.frozen)
    if arguments.start:
        network.load_state_dict(torch.load(arguments.start, weights_only=True))
    if settings.frozen:
        items, unseen = (keep_lower(network, part, half=settings.half, progress=progress) for part in (items, unseen))
    progress(f"{len(items):,} posts to train on, {len(unseen):,} to validate on")
    run = hashlib.sha256(
        repr((settings, str(arguments.start or ""), [example.digest for example in seen])).encode()
    ).hexdigest()[:12]
    tune(network, items, unseen, settings, folder=arguments.work / run, progress=progress)
    calibration = calibrated(network, unseen, parts["validation"], settings)
    model = model_of(network, base, settings, calibration, seen)
    method = METHOD.format(
        pieces=base.config["vocab_size"],
        cues=len(cues.NAMES),
        settings=", ".join(f"{k} {v}" for k, v in asdict(settings).items()),
    )
    figures = train.ship(
        model, examples, out=arguments.out, card_path=arguments.card or arguments.out / "model-card.md", method=method,
        threads=arguments.threads,
    )  # fmt: skip
    sys.stdout.write(json.dumps({"version": model.version, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
