"""Strong scaling over threads and workers; cost per token over numbers of samples; cost of tiny samples."""

import os

import inputs
import report
import runs
from service import Service

TINY_TOKENS = 8


def timed_jobs(options, shape, root, folder, workers, threads, jobs, cut):
    """[{"tokens", "seconds", ...}] of jobs [(data, arguments)] run one after the other on a fresh server."""
    with Service(options.binaries, root, folder, threads, workers) as service:
        service.warm(shape, jobs[0][0], *cut)
        measured = []
        for data, arguments in jobs:
            run = service.attribute(shape, data, *arguments, *cut)
            run.pop("result")
            measured.append(run)
        return measured


def measure_threads(options, directory, ids, batch_tokens):
    """Threads -> timing of the engine alone."""
    return {threads: runs.engine_alone(options, directory, ids, "float32", batch_tokens, "--samples",
                                       str(options.scaling_rows), threads=threads)
            for threads in sorted({1, options.threads})}


def measure(options, shape, folder):
    root = os.path.join(folder, "models")
    directory = inputs.write_model(options, shape, root)
    facts = inputs.ModelFacts(directory)
    counts = sorted({64, 640, options.many_rows})
    text = inputs.write_rows(os.path.join(folder, "many.jsonl"), inputs.read_rows(options.data, counts[-1]))
    tiny = inputs.write_rows(os.path.join(folder, "tiny.jsonl"),
                             inputs.tiny_rows(options.tiny_rows, TINY_TOKENS, facts.vocabulary))
    counts = [count for count in counts if count <= options.many_rows]
    # Small shapes have fewer positions than some rows have tokens.
    cut = ("--max-tokens", str(facts.positions))
    jobs = [(text, ("--limit", str(count))) for count in counts] + [(tiny, ())]
    runs.say(f"service: {', '.join(map(str, counts))} rows, then tiny ones")
    many = timed_jobs(options, shape, root, os.path.join(folder, "many"), 1, options.threads, jobs, cut)
    measured = {"shape": shape, "counts": many[:-1], "tiny": many[-1], "workers": {}}
    measured["tiny_engine"] = runs.engine_alone(options, directory, tiny, "float32", many[-1]["batch_tokens"])
    scaling_job = [(text, ("--limit", str(options.scaling_rows)))]
    for workers in (1, 2):
        runs.say(f"service: {workers} worker(s) of one thread")
        home = os.path.join(folder, f"workers-{workers}")
        measured["workers"][workers] = timed_jobs(options, shape, root, home, workers, 1, scaling_job, cut)[0]
    made_up = inputs.write_rows(os.path.join(folder, "threads.jsonl"),
                                inputs.tiny_rows(options.scaling_rows, 204, facts.vocabulary))
    measured["threads"] = measure_threads(options, directory, made_up, many[0]["batch_tokens"])
    return measured


def scaling_rows(name, runs_by_count):
    first = min(runs_by_count)
    return [[f"{count} {name}", run["tokens"], run["seconds"], run["tokens_per_second"],
             report.ratio(run["tokens_per_second"], runs_by_count[first]["tokens_per_second"])]
            for count, run in sorted(runs_by_count.items())]


def report_lines(measured):
    lines = report.heading(f"{measured['shape']}, float32: strong scaling, the same samples")
    lines += report.table(["", "tokens", "seconds", "tokens/s", "speed-up"],
                          scaling_rows("thread(s), engine alone", measured["threads"]) +
                          scaling_rows("worker(s) of one thread", measured["workers"]))
    lines += report.heading(f"{measured['shape']}, float32: cost over the number of samples, through the service")
    rows = [[f"{run['samples']} rows", run["tokens"], run["seconds"], 1e6 * run["seconds"] / run["tokens"],
             report.percent(run["seconds"] - run["compute_seconds"], run["seconds"])]
            for run in measured["counts"]]
    lines += report.table(["", "tokens", "seconds", "µs a token", "outside compute"], rows)
    tiny, alone = measured["tiny"], measured["tiny_engine"]
    beside = 1e3 * (tiny["seconds"] - alone["seconds"]) / tiny["samples"]
    lines += ["", f"{tiny['samples']:,} samples of {TINY_TOKENS} tokens: service {tiny['seconds']:.2f} s, engine alone "
                  f"{alone['seconds']:.2f} s, {beside:.3f} ms a sample beside the engine"]
    return lines
