"""The encoder with its heads as it learns: layers, rates, loss, batches."""

import contextlib
import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from classifiers import cues
from classifiers.codebook import Aspect, Category, Polarity
from classifiers.training.base_encoder import Base

SIZES: Final[Mapping[str, int]] = {
    "relevance": 1,
    "category": len(Category),
    "polarity": len(Polarity),
    "aspects": len(Aspect),
}
LOSS_WEIGHTS: Final[Mapping[str, float]] = {"relevance": 1.0, "category": 1.0, "polarity": 0.5, "aspects": 2.0}
SORTED_TOGETHER: Final = 32
"""Batches whose posts are drawn together and sorted by length, so that a batch pads little and yet is drawn at random."""
KEPT_TOGETHER: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A post ready to be put into a batch.

    It is drawn in the part `rate` of the epochs; `states` is what the frozen layers make of it, where that was computed before.
    """

    ids: list[int]
    named: list[int]
    cues: tuple[float, ...]
    relevant: float
    category: int
    polarity: int
    aspects: list[float]
    weight: float
    rate: float = 1.0
    states: Tensor | None = None


class Network(nn.Module):
    """The encoder and its heads; embeddings and the lowest `frozen` layers may stay as they are."""

    def __init__(self, base: Base, layers: Sequence[int], *, frozen: int = 0) -> None:
        super().__init__()
        config = BertConfig(
            **{name: value for name, value in base.config.items() if name not in ("model_type", "architectures")}
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.encoder.load_state_dict(
            {name: torch.from_numpy(value) for name, value in base.weights.items()}, strict=False
        )
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)
        if frozen:
            for part in (self.encoder.embeddings, *self.encoder.encoder.layer[:frozen]):
                part.requires_grad_(requires_grad=False)
        self.frozen = frozen
        self.layers = tuple(layers)
        width = (len(layers) + 1) * config.hidden_size + len(cues.NAMES)
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in SIZES.items()})
        self.dropout = nn.Dropout(0.1)

    def lower(self, ids: Tensor) -> Tensor:
        """Give what the frozen layers make of a batch."""
        mask = self._mask(ids)
        state = self.encoder.embeddings(input_ids=ids)
        for layer in self.encoder.encoder.layer[: self.frozen]:
            state = _only(layer(state, _additive(mask)))
        return state

    def forward(
        self, ids: Tensor, named: Tensor, facts: Tensor, lower: Tensor | None = None, *, unread: float = 0.0
    ) -> dict[str, Tensor]:
        """
        Give the logits of every head.

        Parameters
        ----------
        named
            Marks the pieces that name Grok.
        lower
            What the frozen layers made of the texts, which saves the way through them.
        unread
            Part of the other pieces that the trained layers don't get to see, so that no single word is relied on.
        """
        mask = self._mask(ids)
        states = {self.frozen: self.lower(ids) if lower is None else lower}
        if unread:
            mask *= (torch.rand(mask.shape) >= unread) | named.bool()
            mask[:, 0] = 1
        for number, layer in enumerate(self.encoder.encoder.layer[self.frozen :], start=self.frozen):
            states[number + 1] = _only(layer(states[number], _additive(mask)))
        share = (mask / mask.sum(1, keepdim=True)).unsqueeze(-1)
        means = [(states[layer].float() * share).sum(1) for layer in self.layers]
        about = (named / named.sum(1, keepdim=True)).unsqueeze(-1)
        means.append((states[self.layers[-1]].float() * about).sum(1))
        features = self.dropout(torch.cat([*means, facts], 1))
        return {name: head(features) for name, head in self.heads.items()}

    def _mask(self, ids: Tensor) -> Tensor:
        return (ids != self.encoder.config.pad_token_id).long()


def _additive(mask: Tensor) -> Tensor:
    return (1.0 - mask[:, None, None, :].float()) * -1e9


def _only(found: Any) -> Tensor:  # noqa: ANN401  # a layer gives its state alone or in a tuple, by the version of transformers
    return found[0] if isinstance(found, tuple) else found


def keep_lower(network: Network, items: Sequence[Item], *, half: bool, progress: Callable[[str], None]) -> list[Item]:
    """Compute once what the frozen layers make of every post: half the time of every epoch."""
    network.eval()
    kept = list(items)
    done = 0
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext():
        for numbers in batches(items, KEPT_TOGETHER, None):
            states = network.lower(_padded([items[number] for number in numbers], network.encoder.config.pad_token_id))
            for number, state in zip(numbers, states.to(torch.bfloat16), strict=True):
                kept[number] = replace(items[number], states=state[: len(items[number].ids)].clone())
            done += len(numbers)
            if done % 1024 < KEPT_TOGETHER:
                progress(f"frozen layers of {done:,} of {len(items):,} posts")
    return kept


def _padded(items: Sequence[Item], pad: int) -> Tensor:
    width = max(len(item.ids) for item in items)
    return torch.tensor([item.ids + [pad] * (width - len(item.ids)) for item in items])


def groups(
    network: Network, *, rate: float, head_rate: float, layer_decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Give every layer its learning rate: the last one the full rate, each one below a little less."""
    count = network.encoder.config.num_hidden_layers
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("heads."):
            own = head_rate
        else:
            parts = name.split(".")
            depth = int(parts[3]) + 1 if parts[1] == "encoder" else 0
            own = rate * layer_decay ** (count - depth)
        found.setdefault((own, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "lr": own, "full_rate": own, "weight_decay": weight_decay if matrix else 0.0}
        for (own, matrix), parameters in found.items()
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


class Average:
    """A running mean of the weights that are trained, over about the last 1 / (1 - `keep`) steps.

    It lies in a flatter place than any single step and so carries better to other kinds of text (Cha et al., "SWAD", NeurIPS 2021).
    """

    def __init__(self, network: Network, keep: float) -> None:
        self.weights = [parameter.detach().clone() for parameter in _trained(network)]
        self.keep = keep
        self.steps = 0

    def follow(self, network: Network) -> None:
        """Take in what a step has made of the weights."""
        self.steps += 1
        # The first steps are far from where it leads: they are forgotten sooner.
        keep = min(self.keep, (1 + self.steps) / (10 + self.steps))
        for mean, parameter in zip(self.weights, _trained(network), strict=True):
            mean.lerp_(parameter.detach(), 1 - keep)

    @contextlib.contextmanager
    def instead(self, network: Network) -> Generator[None]:
        """Put the mean into the network for a while."""
        own = [parameter.detach().clone() for parameter in _trained(network)]
        _put(network, self.weights)
        try:
            yield
        finally:
            _put(network, own)


def _trained(network: Network) -> list[nn.Parameter]:
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _put(network: Network, weights: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(_trained(network), weights, strict=True):
            parameter.copy_(value)


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


def logits_of(network: Network, items: Sequence[Item], *, half: bool, unread: float = 0.0) -> dict[str, Tensor]:
    """Give the logits of one batch."""
    ids = _padded(items, network.encoder.config.pad_token_id)
    named = torch.zeros(ids.shape)
    for row, item in enumerate(items):
        named[row, item.named] = 1
    facts = torch.tensor([item.cues for item in items])
    with torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext():
        logits = network(ids, named, facts, _kept_states(items, ids.shape[1]), unread=unread)
    return {name: value.float() for name, value in logits.items()}


def _kept_states(items: Sequence[Item], width: int) -> Tensor | None:
    states = [item.states for item in items if item.states is not None]
    if len(states) < len(items):
        return None
    lower = torch.zeros(len(items), width, states[0].shape[1])
    for row, state in enumerate(states):
        lower[row, : len(state)] = state
    return lower


def all_logits(network: Network, items: Sequence[Item], *, batch: int, half: bool) -> dict[str, Tensor]:
    """Give the logits of all posts, in their order."""
    network.eval()
    found = {name: torch.zeros(len(items), size) for name, size in SIZES.items()}
    with torch.inference_mode():
        for numbers in batches(items, batch, None):
            for name, value in logits_of(network, [items[number] for number in numbers], half=half).items():
                found[name][numbers] = value
    return found
