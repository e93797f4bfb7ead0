#!/usr/bin/env python3
"""Runs one of the benchmark's peers on token ids and prints one JSON object.

  peers.py paper   --model DIR --data IDS.jsonl [--batch 4] [--pad-length 1024]
  peers.py careful --model DIR --data IDS.jsonl [--batch 8] [--leaf attention|gates] [--dtype bfloat16]
  peers.py matmul  --model DIR --rows 512

IDS.jsonl has rows {"id", "token_ids", "prompt_tokens"}: every contestant sees the same tokens. Tokens per second are real
tokens over wall time; loading the model is not timed. `matmul` times the model's matrix products alone.
"""

import argparse
import json
import os
import resource
import sys
import time

import numpy
import torch
from torch.nn import functional

import peer_models
import peer_procedures


def read_samples(path, limit):
    samples = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                row = json.loads(line)
                samples.append((row["token_ids"], row["prompt_tokens"]))
    return samples[:limit]


def score(options, model):
    samples = read_samples(options.data, options.limit)
    pad_id = model.config.get("eos_token_id") or 0
    if isinstance(pad_id, list):
        pad_id = pad_id[0]
    started = time.monotonic()
    if options.procedure == "paper":
        scores = peer_procedures.paper_scores(model, samples, options.batch, options.pad_length, pad_id)
    else:
        scores = peer_procedures.careful_scores(model, samples, options.batch, options.leaf)
    # The absolute value per sample after the signed sum, then the mean over samples: the released code's order.
    scores = numpy.stack(list(scores))
    pattern = numpy.abs(scores).mean(axis=0)
    seconds = time.monotonic() - started
    tokens = sum(len(ids) for ids, _ in samples)
    return {"samples": len(samples), "tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds,
            "batch": options.batch, "pattern": pattern.tolist(), "signed": scores.tolist()}


def product_seconds(rows, matrix, rounds):
    """Best times of x [rows, in] @ matrix [in, out]: through BLAS, and through oneDNN with nothing converted."""
    x = torch.randn(rows, matrix.shape[0], dtype=matrix.dtype)
    x_onednn, matrix_onednn = x.to_mkldnn(), matrix.t().contiguous().to_mkldnn()
    return (min(timed(lambda: x @ matrix) for _ in range(rounds)),
            min(timed(lambda: functional.linear(x_onednn, matrix_onednn)) for _ in range(rounds)))


def matmul_rates(options, model):
    """GFLOP/s of the products of one pass over the model, every weight matrix of a layer times its layers and the head
    once: through BLAS, through oneDNN, and with the better one for each matrix."""
    matrices = [(weight, model.layers) for name, weight in model.weights.items()
                if weight.dim() == 2 and ("h.0." in name or "layers.0." in name)]
    if model.config["model_type"] != "gpt2":
        # GPT-2 stores [in, out], the others [out, in]; so do heads.
        matrices = [(weight.t(), times) for weight, times in matrices]
    matrices.append((model.head.t(), 1))
    flops = sum(times * 2.0 * options.rows * matrix.numel() for matrix, times in matrices)
    seconds = {"blas": 0.0, "onednn": 0.0, "best": 0.0}
    for matrix, times in matrices:
        blas, onednn = product_seconds(options.rows, matrix, options.rounds)
        seconds["blas"] += times * blas
        seconds["onednn"] += times * onednn
        seconds["best"] += times * min(blas, onednn)
    return {"rows": options.rows, "gflops": {name: flops / value / 1e9 for name, value in seconds.items()}}


def timed(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("procedure", choices=["paper", "careful", "matmul"])
    parser.add_argument("--model", required=True, help="model directory in Hugging Face layout")
    parser.add_argument("--data", help="JSON Lines of token ids")
    parser.add_argument("--limit", type=int, default=None, help="first N rows only")
    parser.add_argument("--batch", type=int, default=None, help="samples per batch (paper 4, careful 8)")
    parser.add_argument("--pad-length", type=int, default=1024)
    parser.add_argument("--leaf", choices=["attention", "gates"], default="attention")
    parser.add_argument("--dtype", choices=["float32", "float64", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    if options.procedure != "matmul" and not options.data:
        parser.error("--data is needed")
    if options.batch is None:
        options.batch = 4 if options.procedure == "paper" else 8
    return options


def main(arguments):
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    model = peer_models.load(options.model, getattr(torch, options.dtype))
    result = {"procedure": options.procedure, "dtype": options.dtype, "threads": torch.get_num_threads(),
              "torch": torch.__version__, "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", "")}
    if options.procedure == "matmul":
        with torch.no_grad():
            result.update(matmul_rates(options, model))
    else:
        result.update(score(options, model))
    result["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
