"""How many posts a second the shipped model labels, against models of other sizes on the same cores.

    python bench/classify.py [--quick] [--json] [--posts N] [--sample N] [--seed N]

The posts are those of `bench/posts.py`: about 60 tokens on average, half of them under 45, one in fifty repeated, in all languages.

Everything runs in a process of its own that is pinned to one core, then to two, with as many threads. `ours` labels all posts through
`classifiers.encoder`, from the raw text to language and rivals. The rivals label a sample of them (every n-th by length, in random order) and are
scaled; they get text that is normalised already, the same tokenizer, and are cut at the same number of tokens as ours. Each rival runs with
batches of 1 and of 8 and its better rate counts. Their weights are random: that costs the same. Needs the extra `train`.

`ratio` compares posts a second on one core, by the clock on the wall; `ratio_cpu` by seconds of processor time, which other work on the machine disturbs less.
Start-up is the time from the start of `grokwatch predict --text …` to its end, the middle one of three.
"""

# ruff: noqa: PLC0415 - each contestant runs in a process of its own, whose memory holds only what that one needs

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MODEL = ROOT / "classifiers" / "model"
GOAL, NEEDED = 20, 10
STARTUP_GOAL_S, PEAK_GOAL_MB = 2.0, 600
POSTS, SAMPLE = 10_000, 200
QUICK_POSTS, QUICK_SAMPLE = 1_000, 24
BATCHES = (1, 8)
OUTCOMES = 7
CONTESTANTS = {
    "ours": "the shipped model, from raw text to label",
    "xlmr_pipeline": "transformers pipeline, XLM-RoBERTa-base size, PyTorch",
    "xlmr_int8": "XLM-RoBERTa-base size, onnxruntime, dynamic int8",
    "minilm_pipeline": "transformers pipeline, all-MiniLM-L6 size, PyTorch",
}
RIVAL = "xlmr_pipeline"


# --- contestants ------------------------------------------------------------------------------------------------------


def run_ours(posts: Sequence[str], cores: int, _folder: Path) -> Iterator[dict[str, Any]]:
    from classifiers import encoder
    from classifiers.base import Document

    began = time.perf_counter()
    model = encoder.load(threads=cores)
    next(iter(model.label([Document(text="Grok is slow")])))
    yield {"ready_s": time.perf_counter() - began}
    yield timed(lambda: sum(1 for _ in model.label(Document(text=text) for text in posts)), posts)


def run_pipeline(config: object, posts: Sequence[str], cores: int) -> Iterator[dict[str, Any]]:
    import torch
    from transformers import AutoModelForSequenceClassification, logging, pipeline

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(cores)
    torch.manual_seed(0)
    began = time.perf_counter()
    model = AutoModelForSequenceClassification.from_config(config).eval()
    label = pipeline("text-classification", model=model, tokenizer=tokenizer(), device="cpu")
    cut: dict[str, Any] = {"truncation": True, "max_length": max_tokens()}
    label(list(posts[:2]), **cut)
    yield {"ready_s": time.perf_counter() - began}
    for batch in BATCHES:
        yield {"batch": batch, **timed(lambda size=batch: label(list(posts), batch_size=size, **cut), posts)}


def run_xlmr_pipeline(posts: Sequence[str], cores: int, _folder: Path) -> Iterator[dict[str, Any]]:
    yield from run_pipeline(xlmr(), posts, cores)


def run_minilm_pipeline(posts: Sequence[str], cores: int, _folder: Path) -> Iterator[dict[str, Any]]:
    from transformers import BertConfig

    config = BertConfig(
        vocab_size=len(tokenizer()), hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
        num_labels=OUTCOMES,
    )  # fmt: skip
    yield from run_pipeline(config, posts, cores)


def run_xlmr_int8(posts: Sequence[str], cores: int, folder: Path) -> Iterator[dict[str, Any]]:
    import onnxruntime

    began = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(folder / "int8.onnx", options, providers=["CPUExecutionProvider"])
    pieces = tokenizer()

    def label(batch: int) -> None:
        for start in range(0, len(posts), batch):
            part = pieces(
                list(posts[start : start + batch]), truncation=True, max_length=max_tokens(), padding=True, return_tensors="np"
            )  # fmt: skip
            feeds = {"input_ids": part["input_ids"], "attention_mask": part["attention_mask"]}
            session.run(None, feeds)[0].argmax(axis=1)

    label(len(posts))
    yield {"ready_s": time.perf_counter() - began}
    for batch in BATCHES:
        yield {"batch": batch, **timed(lambda size=batch: label(size), posts)}


def build_xlmr_int8(folder: Path) -> None:
    """Export the model of random weights, and quantise it as onnxruntime's guide says."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModelForSequenceClassification

    class Logits(torch.nn.Module):
        def __init__(self, model: torch.nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(xlmr(), attn_implementation="eager").eval()
    ids = torch.full((2, 9), 5)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=500)}
    with torch.no_grad():
        torch.onnx.export(
            Logits(model),
            (ids, torch.ones_like(ids)),
            folder / "float32.onnx",
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=(axes, axes),
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    del model
    quantize_dynamic(folder / "float32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8)
    for path in folder.glob("float32.onnx*"):
        path.unlink()


def xlmr() -> "XLMRobertaConfig":
    from transformers import XLMRobertaConfig

    size = int(os.environ.get("BENCH_SHRINK", "1"))
    return XLMRobertaConfig(
        vocab_size=250_002, hidden_size=768 // size, num_hidden_layers=12 // size, num_attention_heads=12 // size,
        intermediate_size=3072 // size, max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, num_labels=OUTCOMES,
    )  # fmt: skip


def tokenizer() -> "PreTrainedTokenizerFast":
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_file=str(MODEL / "tokenizer.json"), pad_token="<pad>")


def max_tokens() -> int:
    return int(json.loads((MODEL / "model.json").read_text("utf-8"))["max_tokens"])


RUNS: dict[str, Callable[[Sequence[str], int, Path], Iterator[dict[str, Any]]]] = {
    "ours": run_ours,
    "xlmr_pipeline": run_xlmr_pipeline,
    "xlmr_int8": run_xlmr_int8,
    "minilm_pipeline": run_minilm_pipeline,
}


def timed(work: Callable[[], object], posts: Sequence[str]) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"posts_per_s": len(posts) / seconds, "posts_per_cpu_s": len(posts) / cpu, "seconds": seconds}


# --- measuring --------------------------------------------------------------------------------------------------------


def measure_here(name: str, posts: Sequence[str], cores: int, folder: Path) -> dict[str, Any]:
    """Run a contestant in this process; of several batch sizes the best counts."""
    ready, *runs = RUNS[name](posts, cores, folder)
    best = max(runs, key=lambda run: run["posts_per_s"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"contestant": name, "cores": cores, "posts": len(posts), **ready, **best, "peak_rss_mb": peak}


def pinned(arguments: Sequence[str], cores: int) -> str:
    """Run this program again on so many cores; give what it prints."""
    threads = {
        name: str(cores) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    }
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | threads
        | {"PYTHONPATH": str(ROOT), "TOKENIZERS_PARALLELISM": "true" if cores > 1 else "false"},
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),  # the parent has one thread
    )
    if done.returncode:
        raise SystemExit(f"Error: {' '.join(arguments[:4])} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def measure(name: str, posts: Path, cores: int, folder: Path) -> dict[str, Any]:
    told = pinned(["--contestant", name, "--cores", str(cores), "--from", str(posts), "--folder", str(folder)], cores)
    return json.loads(told.splitlines()[-1])


def start_up(rounds: int) -> dict[str, float]:
    """Start `grokwatch predict` anew and wait for its label, in an empty folder."""
    seconds, peaks = [], []
    with tempfile.TemporaryDirectory(prefix="grokwatch-bench-") as empty:
        for _ in range(rounds):
            began = time.perf_counter()
            command = [sys.executable, "-m", "grokwatch", "predict", "--text", "Grok has been slow since Monday"]
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, cwd=empty, env=os.environ | {"PYTHONPATH": str(ROOT)}
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit("Error: `grokwatch predict` failed; try it by hand")
            seconds.append(time.perf_counter() - began)
            peaks.append(used.ru_maxrss / 1024)
    return {"startup_s": statistics.median(seconds), "startup_peak_rss_mb": max(peaks)}


def composed(count: int, seed: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="grokwatch-bench-") as folder:
        out = Path(folder) / "posts.json"
        program = Path(__file__).with_name("posts.py")
        subprocess.run([sys.executable, program, out, "--posts", str(count), "--seed", str(seed)], check=True)
        return json.loads(out.read_text("utf-8"))


def every_nth_by_length(posts: Sequence[str], count: int, seed: int) -> list[str]:
    from classifiers.text import normalise

    ranked = sorted(posts, key=len)
    sample = [normalise(ranked[int((place + 0.5) * len(ranked) / count)]) for place in range(count)]
    random.Random(seed).shuffle(sample)
    return sample


def compare(
    posts: Sequence[str], sample: Sequence[str], folder: Path, *, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    (folder / "posts.json").write_text(json.dumps(posts), "utf-8")
    (folder / "sample.json").write_text(json.dumps(sample), "utf-8")
    tell("building the int8 rival")
    pinned(["--build", "--folder", str(folder)], len(os.sched_getaffinity(0)))
    found = []
    for cores in (1, 2):
        if cores > len(os.sched_getaffinity(0)):
            continue
        for name in CONTESTANTS:
            tell(f"{name} on {cores} core{'s' * (cores > 1)}")
            found.append(measure(name, folder / ("posts.json" if name == "ours" else "sample.json"), cores, folder))
    return found


def lengths(posts: Sequence[str]) -> dict[str, Any]:
    from tokenizers import Tokenizer

    from classifiers.text import normalise

    pieces = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    sizes = sorted(len(encoding.ids) for encoding in pieces.encode_batch([normalise(text) for text in posts]))
    return {
        "mean_tokens": round(statistics.fmean(sizes), 1),
        "median_tokens": sizes[len(sizes) // 2],
        "p90_tokens": sizes[int(len(sizes) * 0.9)],
        "repeated": round(1 - len(set(posts)) / len(posts), 4),
    }


def result_of(found: Sequence[dict[str, Any]], started: dict[str, float], posts: dict[str, Any]) -> dict[str, Any]:
    rate = {(run["contestant"], run["cores"]): run for run in found}
    mine, rival = rate["ours", 1], rate[RIVAL, 1]
    peak = max([started["startup_peak_rss_mb"], *(run["peak_rss_mb"] for run in found if run["contestant"] == "ours")])
    ratio = mine["posts_per_s"] / rival["posts_per_s"]
    return {
        "bench": "classify",
        "ours": round(mine["posts_per_s"], 1),
        "rival": round(rival["posts_per_s"], 2),
        "rival_name": CONTESTANTS[RIVAL],
        "ratio": round(ratio, 1),
        "ratio_cpu": round(mine["posts_per_cpu_s"] / rival["posts_per_cpu_s"], 1),
        "goal": GOAL,
        "needed": NEEDED,
        "unit": "posts/s on one core",
        "peak_rss_mb": round(peak, 1),
        "peak_rss_goal_mb": PEAK_GOAL_MB,
        "startup_s": round(started["startup_s"], 2),
        "startup_goal_s": STARTUP_GOAL_S,
        "met": ratio >= GOAL and peak < PEAK_GOAL_MB and started["startup_s"] < STARTUP_GOAL_S,
        "posts": posts,
        "ratios": {
            f"{name} on {cores}": round(rate["ours", cores]["posts_per_s"] / run["posts_per_s"], 1)
            for (name, cores), run in rate.items()
            if name != "ours"
        },
        "runs": [
            {key: round(value, 3) if isinstance(value, float) else value for key, value in run.items()} for run in found
        ],
    }


def show(result: dict[str, Any]) -> None:
    about = result["posts"]
    print(f"{about['count']:,} posts, {about['mean_tokens']} tokens on average, {about['repeated']:.1%} repeated\n")
    print(f"{'':54}{'cores':>6}{'posts/s':>10}{'a CPU s':>10}{'ours is':>9}{'batch':>7}{'ready s':>9}{'peak MB':>9}")
    for run in result["runs"]:
        times = result["ratios"].get(f"{run['contestant']} on {run['cores']}")
        print(
            f"{CONTESTANTS[run['contestant']]:54}{run['cores']:6}{run['posts_per_s']:10,.1f}{run['posts_per_cpu_s']:10,.1f}"
            f"{f'{times:,.1f} x' if times else '':>9}{run.get('batch', ''):>7}{run['ready_s']:9.1f}{run['peak_rss_mb']:9,.0f}"
        )
    print(
        f"\nStart-up to the first label: {result['startup_s']} s (goal {STARTUP_GOAL_S:g}). Peak memory of ours: {result['peak_rss_mb']:.0f} MB"
        f" (goal {PEAK_GOAL_MB}). On one core {result['ratio']} x the rival (goal {GOAL}, needed {NEEDED}).\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the result alone")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_POSTS:,} posts, {QUICK_SAMPLE} for the rivals")
    parser.add_argument("--posts", type=int, help=f"posts that ours labels; {POSTS:,} unless given")
    parser.add_argument("--sample", type=int, help=f"of these, posts that the rivals label; {SAMPLE} unless given")
    parser.add_argument("--seed", type=int, default=6)
    for name in ("--contestant", "--from", "--folder", "--cores"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build_xlmr_int8(Path(options.folder))
        return
    if options.contestant:
        posts = json.loads(Path(vars(options)["from"]).read_text("utf-8"))
        print(json.dumps(measure_here(options.contestant, posts, int(options.cores), Path(options.folder))))
        return
    count = options.posts or (QUICK_POSTS if options.quick else POSTS)
    posts = composed(count, options.seed)
    sample = every_nth_by_length(posts, options.sample or (QUICK_SAMPLE if options.quick else SAMPLE), options.seed)
    about = {"count": count, "sampled": len(sample), **lengths(posts)}

    def tell(what: str) -> None:
        print(f"· {what}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="grokwatch-bench-") as folder:
        found = compare(posts, sample, Path(folder), tell=tell)
    tell("start-up")
    result = result_of(found, start_up(3), about)
    if not options.json:
        show(result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
