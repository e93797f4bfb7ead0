#!/usr/bin/env python3
"""Measures the service against its two peers, in one go and on the same samples, and prints a table.

The peers are (a) the paper's released procedure and (b) a careful PyTorch loop: peer_procedures.py. All three see the
same token ids: the service's own tokenizer makes them. Model: GPT-2-small's shape with random weights.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy

import peer_safetensors
from service import Service

HERE = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(text, file=sys.stderr, flush=True)


def read_rows(path, limit):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return rows[:limit]


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def write_model(options, directory):
    say(f"writing a {options.shape} model with random weights")
    subprocess.run([os.path.join(options.binaries, "headscope-model-writer"), "--shape", options.shape, "--tokenizer",
                    options.tokenizer, "-o", directory], check=True)


def token_rows(service, model, rows, result, end_of_sequence):
    """The samples as token ids, checked against the token counts that the job reported."""
    made = []
    for row, sample in zip(rows, result["samples"]):
        ids, prompt_tokens = service.tokenize(model, row)
        if len(ids) + 1 == sample["tokens"]:
            ids = ids + [end_of_sequence]
        if len(ids) != sample["tokens"]:
            raise RuntimeError(f"row {sample['id']}: {len(ids)} ids, but the job counted {sample['tokens']}")
        made.append({"id": sample["id"], "token_ids": ids, "prompt_tokens": prompt_tokens})
    return made


def run_peer(options, procedure, model, data, *extra):
    say(f"running {procedure} {' '.join(extra)}")
    # Some machines force OpenBLAS to kernels of an older processor; the peers get what this one can do.
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment["OMP_NUM_THREADS"] = str(options.threads)
    done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "peers.py"), procedure, "--model", model, "--data",
                           data, "--threads", str(options.threads), *extra], stdout=subprocess.PIPE, env=environment,
                          check=True)
    return json.loads(done.stdout)


def gradient_flops(directory, tokens, response_tokens):
    """One forward and one backward to activations: 4 FLOPs per token and weight of the layers' products, and per
    supervised token and weight of the vocabulary head."""
    _, weights = peer_safetensors.read_directory(directory)
    embeddings = [weight for name, weight in weights.items() if name.endswith(("wte.weight", "embed_tokens.weight"))]
    matrices = sum(weight.numel() for name, weight in weights.items()
                   if weight.dim() == 2 and (".h." in f".{name}" or ".layers." in name))
    return 4.0 * matrices * tokens + 4.0 * embeddings[0].numel() * response_tokens


def largest_difference(service_result, scores):
    """Largest |difference| of signed scores, relative to the largest |score| of that sample's matrix."""
    worst = 0.0
    for sample, other in zip(service_result["samples"], scores):
        ours = numpy.array(sample["signed"])
        worst = max(worst, numpy.abs(ours - numpy.array(other)).max() / numpy.abs(ours).max())
    return worst


def measure(options, folder):
    root = os.path.join(folder, "models")
    directory = os.path.join(root, options.shape)
    write_model(options, directory)
    end_of_sequence = peer_safetensors.read_directory(directory)[0]["eos_token_id"]
    rows = read_rows(options.data, max(options.rows, options.overhead_rows))
    data, long_data, ids = (os.path.join(folder, name) for name in ("rows.jsonl", "long.jsonl", "ids.jsonl"))
    write_rows(data, rows[: options.rows])
    write_rows(long_data, rows[: options.overhead_rows])
    measured = {}
    with Service(options.binaries, root, folder, options.threads) as service:
        say("running the service: first job, then the measured ones")
        measured["first"] = service.attribute(options.shape, data, "--limit", "1")
        measured["service"] = service.attribute(options.shape, data)
        measured["long"] = service.attribute(options.shape, long_data)
        job = measured["service"]["result"]["job"]
        measured["script_pattern"] = service.command("result", job, "--script-batch", "4")["pattern"]
        measured["service_rss"] = service.peak_rss_bytes()
        write_rows(ids, token_rows(service, options.shape, rows, measured["service"]["result"], end_of_sequence))
    measured["careful"] = [run_peer(options, "careful", directory, ids, "--batch", str(batch)) for batch in (4, 8)]
    measured["product"] = run_peer(options, "matmul", directory, ids)
    if not options.skip_paper:
        measured["paper"] = run_peer(options, "paper", directory, ids)
    samples = measured["long"]["result"]["samples"]
    measured["flops"] = gradient_flops(directory, measured["long"]["tokens"],
                                       sum(sample["response_tokens"] for sample in samples))
    return measured


def table(options, measured):
    """Lines of the report."""
    service, long, product = measured["service"], measured["long"], measured["product"]
    careful = max(measured["careful"], key=lambda run: run["tokens_per_second"])
    mebibyte = 1 << 20
    lines = [f"{options.shape}, float32, {options.rows} rows, {service['tokens']} tokens, {options.threads} threads, "
             f"torch {product['torch']}, OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '')!r} "
             f"(unset for the peers)", "",
             f"{'':44}{'tokens/s':>10}{'service is':>12}{'peak MiB':>10}"]

    def line(name, rate, memory):
        ratio = service["tokens_per_second"] / rate
        lines.append(f"{name:44}{rate:10.1f}{ratio:11.2f}x{memory / mebibyte:10.0f}")

    if "paper" in measured:
        line("(a) paper's procedure, batch 4, pad 1024", measured["paper"]["tokens_per_second"],
             measured["paper"]["peak_rss_bytes"])
    for run in measured["careful"]:
        line(f"(b) careful loop, batch {run['batch']}", run["tokens_per_second"], run["peak_rss_bytes"])
    line("service", service["tokens_per_second"], measured["service_rss"])
    line(f"service, {options.overhead_rows} rows", long["tokens_per_second"], measured["service_rss"])
    outside = 1.0 - long["compute_seconds"] / long["seconds"]
    rate, peak = measured["flops"] / long["seconds"] / 1e9, product["gflops"]["best"]
    lines += ["",
              f"wall time outside the worker's compute       {100 * outside:6.2f} % of {long['seconds']:.1f} s",
              f"share of the matrix-product rate              {100 * rate / peak:6.2f} % ({rate:.1f} of {peak:.1f} "
              f"GFLOP/s; BLAS {product['gflops']['blas']:.1f}, oneDNN {product['gflops']['onednn']:.1f})",
              f"largest difference of a score from (b)        {largest_difference(service['result'], careful['signed']):.1e} "
              "of its matrix's largest"]
    if "paper" in measured:
        ours, theirs = numpy.array(measured["script_pattern"]), numpy.array(measured["paper"]["pattern"])
        lines.append(f"largest difference of the pattern from (a)'s   {numpy.abs(ours - theirs).max() / theirs.max():.1e} "
                     "of its largest, reduced with --script-batch 4")
    return lines


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", required=True, help="folder of headscope-server, -worker, -model-writer, headscope")
    parser.add_argument("--data", required=True, help="JSON Lines of {prompt, response}")
    parser.add_argument("--tokenizer", required=True, help="a tokenizer.json of the shape's vocabulary")
    parser.add_argument("--shape", default="gpt2-small")
    parser.add_argument("--rows", type=int, default=16, help="samples that every contestant scores")
    parser.add_argument("--overhead-rows", type=int, default=64, help="samples of the job that overhead is taken from")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--skip-paper", action="store_true", help="leave out (a), which takes about 15 s a row")
    parser.add_argument("--json", help="also write everything measured there")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse_arguments(arguments)
    with tempfile.TemporaryDirectory(prefix="headscope-benchmark-") as folder:
        measured = measure(options, folder)
    print("\n".join(table(options, measured)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(measured, file)


if __name__ == "__main__":
    main(sys.argv[1:])
