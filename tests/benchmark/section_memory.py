"""Load time and memory: of a float32 checkpoint in the page cache, and of batches by length."""

import os

import inputs
import report
import runs

DTYPES = ("float32", "bfloat16")


def measure(options, folder):
    """[timing with "shape" and "length"]: the engine alone on one sample of each length."""
    measured = []
    for shape in options.shapes:
        directory = inputs.write_model(options, shape, os.path.join(folder, "models"))
        facts = inputs.ModelFacts(directory)
        for length in sorted({64, min(1024, facts.positions), min(8192, facts.positions)}):
            data = inputs.write_rows(os.path.join(folder, "length.jsonl"), inputs.tiny_rows(1, length, facts.vocabulary))
            for dtype in DTYPES:
                timing = runs.engine_alone(options, directory, data, dtype, length)
                measured.append({**timing, "shape": shape, "length": length, "weight_bytes": facts.weight_bytes})
    return measured


def report_lines(measured):
    lines = report.heading("load time and memory, a fresh process each, weights of float32 in the page cache")
    rows = [[f"{run['shape']}, {run['dtype']}, {run['length']} tokens", report.mebibytes(run["weight_bytes"]),
             f"{run['load_seconds']:.2f}", f"{run['prepare_seconds']:.2f}", report.mebibytes(run["model_bytes"]),
             report.mebibytes(run["engine_bytes"]), report.mebibytes(run["peak_rss_bytes"]),
             report.mebibytes(run.get("predicted_bytes"))] for run in measured]
    return lines + report.table(["", "file MiB", "load s", "prepare s", "model MiB", "engine MiB", "peak MiB",
                                 "predicted MiB"], rows)
