"""Tokens per second of the service, of its engine alone and of the peers, float32 and bfloat16, on the same rows."""

import os
import statistics

import numpy

import inputs
import report
import runs
from service import Service

DTYPES = ("float32", "bfloat16")


def largest_difference(result, scores):
    """Largest |difference| of signed scores, relative to the largest |score| of that sample's matrix."""
    worst = 0.0
    for sample, other in zip(result["samples"], scores):
        ours = numpy.array(sample["signed"])
        worst = max(worst, numpy.abs(ours - numpy.array(other)).max() / numpy.abs(ours).max())
    return worst


def run_in_turns(options, case, service, dtype):
    """What the service costs beside its engine: the long job and the engine alone over the same samples take turns, so
    that a machine that grows slower or faster changes both. {"long", "engine": the fastest of each, "costs": by turn}.
    """
    turns = []
    for _ in range(options.repeats):
        runs.say(f"service, {dtype}, {len(case.rows)} rows")
        long = service.attribute(case.shape, case.long_text, "--dtype", dtype)
        if not os.path.exists(case.long_ids):
            write_token_rows(options, case, service, long["result"]["samples"])
        engine = runs.engine_alone(options, case.directory, case.long_ids, dtype, long["batch_tokens"])
        turns.append((long, engine))
    return {"long": min((long for long, _ in turns), key=lambda run: run["seconds"]),
            "engine": min((engine for _, engine in turns), key=lambda run: run["seconds"]),
            "costs": [long["seconds"] / engine["seconds"] - 1 for long, engine in turns]}


def write_token_rows(options, case, service, samples):
    runs.say(f"tokenising {len(samples)} rows for the others")
    rows = inputs.token_rows(service, case.shape, case.rows, samples, case.facts.end_of_sequence)
    inputs.write_rows(case.long_ids, rows)
    inputs.write_rows(case.short_ids, rows[: options.rows])


def run_service(options, case, folder):
    """dtype -> {"short": the peers' rows, and what run_in_turns gives for the long job}; and all rows as token ids."""
    measured = {}
    with Service(options.binaries, case.root, folder, options.threads) as service:
        for dtype in DTYPES:
            runs.say(f"service, {dtype}")
            service.attribute(case.shape, case.short_text, "--dtype", dtype, "--limit", "1")
            short = service.attribute(case.shape, case.short_text, "--dtype", dtype)
            measured[dtype] = {"short": short, **run_in_turns(options, case, service, dtype)}
        job = measured["float32"]["short"]["result"]["job"]
        measured["script_pattern"] = service.command("result", job, "--script-batch", "4")["pattern"]
        measured["peak_rss_bytes"] = service.peak_rss_bytes()
    return measured


def run_peers(options, case):
    """Name -> what the peer measured."""
    measured = {}
    for batch in ("4", "8"):
        measured[f"(b) careful loop, float32, batch {batch}"] = runs.peer(
            options, "careful", case.directory, case.short_ids, "--batch", batch)
    measured["(b) careful loop, bfloat16, batch 8"] = runs.peer(
        options, "careful", case.directory, case.short_ids, "--batch", "8", "--dtype", "bfloat16")
    if case.shape in options.paper_shapes:
        measured["(a) paper's procedure, float32"] = runs.peer(options, "paper", case.directory, case.short_ids)
    return measured


class Case:
    """One shape: its files."""

    def __init__(self, options, shape, folder):
        self.shape = shape
        self.root = os.path.join(folder, "models")
        self.directory = inputs.write_model(options, shape, self.root)
        self.facts = inputs.ModelFacts(self.directory)
        self.rows = inputs.read_rows(options.data, max(options.rows, options.overhead_rows))
        self.short_text = inputs.write_rows(os.path.join(folder, "short.jsonl"), self.rows[: options.rows])
        self.long_text = inputs.write_rows(os.path.join(folder, "long.jsonl"), self.rows)
        self.short_ids = os.path.join(folder, "short-ids.jsonl")
        self.long_ids = os.path.join(folder, "long-ids.jsonl")


def measure(options, shape, folder):
    case = Case(options, shape, folder)
    measured = {"shape": shape, "service": run_service(options, case, folder)}
    budget = measured["service"]["float32"]["long"]["batch_tokens"]
    measured["products"] = runs.product_rates(options, case.directory, DTYPES, budget)
    measured["peers"] = {} if options.skip_peers else run_peers(options, case)
    measured["flops"] = case.facts.gradient_flops(measured["service"]["float32"]["long"]["result"]["samples"])
    return measured


def rate_lines(measured):
    """Every contestant against every peer that computes in the same dtype, and against (a)."""
    paper = next((run for name, run in measured["peers"].items() if name.startswith("(a)")), None)
    rows = []
    for name, run in measured["peers"].items():
        rows.append([name, run["tokens_per_second"], None, None, report.mebibytes(run["peak_rss_bytes"])])
    for dtype in DTYPES:
        careful = [run["tokens_per_second"] for name, run in measured["peers"].items()
                   if name.startswith("(b)") and run["dtype"] == dtype]
        service = measured["service"][dtype]
        engine = service["engine"]
        contestants = [(f"engine alone, {dtype}", engine["tokens_per_second"], engine["peak_rss_bytes"])]
        for length in ("short", "long"):
            run = service[length]
            contestants.append((f"service, {dtype}, {len(run['result']['samples'])} rows", run["tokens_per_second"],
                                measured["service"]["peak_rss_bytes"]))
        for name, rate, memory in contestants:
            rows.append([name, rate, paper and report.ratio(rate, paper["tokens_per_second"]),
                         report.ratio(rate, max(careful)) if careful else None, report.mebibytes(memory)])
    return report.table(["", "tokens/s", "to (a)", "to the best (b)", "peak MiB"], rows)


def share_lines(measured):
    """What the service costs beside the engine, and the engine's share of what products reach."""
    rows = []
    for dtype in DTYPES:
        service = measured["service"][dtype]
        long, engine = service["long"], service["engine"]
        peak = measured["products"][dtype]
        rate = measured["flops"] / engine["seconds"] / 1e9
        rows.append([dtype, engine["tokens"], engine["seconds"], long["seconds"],
                     report.percent(statistics.median(service["costs"]), 1),
                     report.percent(long["seconds"] - long["compute_seconds"], long["seconds"]),
                     peak["onednn_gflops"], peak["torch_gflops"], rate, f"{rate / peak['best_gflops']:.2f}"])
    return report.table(["", "tokens", "engine s", "service s", "service costs", "outside compute", "oneDNN GFLOP/s",
                         "LibTorch GFLOP/s", "2 F GFLOP/s", "share of the best"], rows)


def agreement_lines(measured):
    lines = []
    short = measured["service"]["float32"]["short"]["result"]
    for name, run in measured["peers"].items():
        if name.startswith("(a)"):
            ours, theirs = numpy.array(measured["service"]["script_pattern"]), numpy.array(run["pattern"])
            lines.append(f"pattern with --script-batch 4 differs from {name} by at most "
                         f"{numpy.abs(ours - theirs).max() / theirs.max():.1e} of its largest")
        elif run["dtype"] == "float32":
            worst = largest_difference(short, run["signed"])
            lines.append(f"scores in float32 differ from {name} by at most {worst:.1e} of their matrix's largest")
    bfloat16 = [sample["signed"] for sample in measured["service"]["bfloat16"]["short"]["result"]["samples"]]
    lines.append(f"scores in bfloat16 differ from those in float32 by at most {largest_difference(short, bfloat16):.1e}")
    return lines


def report_lines(measured):
    return (report.heading(f"{measured['shape']}: speed") + rate_lines(measured) + [""] + share_lines(measured) + [""] +
            agreement_lines(measured))
