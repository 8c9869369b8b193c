"""What share of the processor's int8 peak the model reaches, and what the rest of its time goes to.

    python -m benchmarks.roofline

Needs the training environment: the peak is what oneDNN reaches on one thread, the best of a few
shapes, in `torch._int_mm` (s8 x s8), or in a quantised layer (u8 x s8) where a processor without
VNNI has no quick kernel for the first. The model's operations, 2MKN of every product, follow from
the shapes that onnxruntime's own profile shows; so do the shares of time by kind of node.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.documents import mix_of_words
from benchmarks.raw import RawCalls, raw_calls
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import measured_core, pinned
from benchmarks.worker import WORDS, directory_of
from onoma.registry import bundle
from onoma.registry.engine import onnxruntime

SHAPES = ((512, 1024, 1024), (1024, 256, 1024), (512, 768, 3072))
"""Rows, inner width, columns."""
PRODUCTS = ("MatMul", "Gemm", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")
MODEL_WORDS, QUICK_WORDS = 60_000, 1_000
ROUNDS = 7
Kernel = Callable[[int, int, int], Callable[[], object]]
"""Rows, inner width and columns in, the product to be timed out."""
QUESTION = "What share of the processor's int8 peak does the model reach?"


@click.command()
@options
@click.option("--model", "names", multiple=True, type=click.Choice(list(WORDS)))
def main(data: Path, work: Path, quick: bool, names: tuple[str, ...]) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    torch.set_num_threads(1)
    kernel_name, kernel = _quickest()
    figures, details = [], {}
    for name in names or ("default",):
        directory = directory_of(name, run)
        model = bundle.load(directory, allow_ungated=True)
        words = run.size(MODEL_WORDS if name == "default" else MODEL_WORDS // 10, QUICK_WORDS)
        calls = raw_calls(model, mix_of_words(words, data))
        operations, shares = profiled(directory / "model.onnx", calls)
        rounds = [
            (_peak(kernel), operations / calls.run().cpu_seconds) for _ in range(run.rounds(ROUNDS))
        ]
        peak, reached = (median(each[side] for each in rounds) for side in (0, 1))
        figures.append(Figure(f"{name}: share of the int8 peak", round(reached / peak, 3)))
        details[name] = {
            "peak_of": f"oneDNN {kernel_name}",
            "peak_tops": round(peak / 1e12, 3),
            "reached_tops": round(reached / 1e12, 3),
            "operations_per_word": round(operations / calls.words),
            "share_of_time_by_node": shares,
        }
    run.keep("roofline", QUESTION, figures, details)


def profiled(path: Path, calls: RawCalls) -> tuple[float, dict[str, float]]:
    """Return the operations of all `calls`, and the share of time of each kind of node."""
    with tempfile.TemporaryDirectory() as directory:
        options_ = onnxruntime.SessionOptions()
        options_.intra_op_num_threads = 1
        options_.enable_profiling = True
        options_.profile_file_prefix = str(Path(directory) / "profile")
        session = onnxruntime.InferenceSession(
            str(path), options_, disabled_optimizers=["SkipLayerNormFusion"]
        )
        (*_, only) = (put.name for put in session.get_inputs())
        for given in calls.arguments:
            session.run(None, given if isinstance(given, Mapping) else {only: given})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    operations, times = 0.0, Counter[str]()
    for kind, microseconds, node in _nodes(events):
        times[kind] += microseconds
        if kind in PRODUCTS:
            operations += _operations(node)
    total = times.total()
    return operations, {kind: round(spent / total, 3) for kind, spent in times.most_common(12)}


def _nodes(events: Sequence[dict[str, Any]]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            yield event["args"]["op_name"], event["dur"], event["args"]


def _operations(node: dict[str, Any]) -> float:
    """Return 2MKN of a product: each number that comes out is a sum over the inner width."""
    inner = next(iter(node["input_type_shape"][0].values()))[-1]
    out = next(iter(node["output_type_shape"][0].values()))
    return 2.0 * float(math.prod(out)) * float(inner)


def _peak(kernel: Kernel) -> float:
    """Return the operations per CPU-second of `kernel`, the best of a few shapes."""
    with pinned({measured_core()}):
        return max(_speed(kernel, *shape) for shape in SHAPES)


def _quickest() -> tuple[str, Kernel]:
    """Return the int8 product that oneDNN is quickest with on this processor, by a small one."""
    kernels: dict[str, Kernel] = {"s8 x s8": _plain, "u8 x s8": _quantised}
    return max(kernels.items(), key=lambda each: _speed(each[1], 64, 256, 256))


def _speed(kernel: Kernel, rows: int, inner: int, columns: int) -> float:
    product = kernel(rows, inner, columns)
    times = []
    for _ in range(5):
        before = time.thread_time()
        product()
        times.append(time.thread_time() - before)
    return 2.0 * rows * inner * columns / min(times)


def _plain(rows: int, inner: int, columns: int) -> Callable[[], object]:
    left = torch.randint(-127, 128, (rows, inner), dtype=torch.int8)
    right = torch.randint(-127, 128, (inner, columns), dtype=torch.int8)
    return lambda: torch._int_mm(left, right)


def _quantised(rows: int, inner: int, columns: int) -> Callable[[], object]:
    torch.backends.quantized.engine = "onednn"
    with warnings.catch_warnings():
        # The library deprecates its own quantised tensors.
        warnings.simplefilter("ignore")
        weights = torch.quantize_per_tensor(torch.randn(columns, inner), 0.02, 0, torch.qint8)
        rows_ = torch.quantize_per_tensor(torch.randn(rows, inner), 0.02, 128, torch.quint8)
    packed = torch.ops.quantized.linear_prepack(weights, None)
    return lambda: torch.ops.quantized.linear(rows_, packed, 0.05, 128)


if __name__ == "__main__":
    main()
