#!/usr/bin/env python3
"""Measures the service against its peers, in one go and on the same samples, and prints tables.

Sections, each of which can be run by itself:
  speed    tokens per second of the service, the engine alone and the peers (a) the paper's released procedure and (b) a
           careful PyTorch loop (peer_procedures.py), in float32 and bfloat16; the service's cost over the engine; the
           engine's share of the rate of its own matrix products
  scaling  one thread and several, one worker and two; cost per token over the number of samples; tiny samples
  memory   load time, resident and peak memory

All see the same token ids: the service's own tokenizer makes them. Models have random weights.
"""

import argparse
import json
import os
import platform
import sys
import tempfile

import section_memory
import section_scaling
import section_speed

SECTIONS = ("speed", "scaling", "memory")


def words(text):
    return tuple(word for word in text.split(",") if word)


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", required=True, help="folder of the project's programs")
    parser.add_argument("--data", required=True, help="JSON Lines of {prompt, response}")
    parser.add_argument("--tokenizer", required=True, help="a tokenizer.json of the shapes' vocabulary")
    parser.add_argument("--sections", type=words, default=SECTIONS, help=f"comma-separated, of {','.join(SECTIONS)}")
    parser.add_argument("--shapes", type=words, default=("gpt2-small", "llama-small"),
                        help="random models of these shapes; the scaling section takes the first")
    parser.add_argument("--rows", type=int, default=16, help="samples that every contestant scores")
    parser.add_argument("--overhead-rows", type=int, default=64,
                        help="samples of the job that the service's cost is taken from; 1319 are all of GSM8K's")
    parser.add_argument("--repeats", type=int, default=1,
                        help="turns of that job and of the engine alone over its samples; the fastest count, and the "
                             "median of what the service costs")
    parser.add_argument("--paper-shapes", type=words, default=("gpt2-small",),
                        help="shapes that (a) scores too, at 15 s a row")
    parser.add_argument("--skip-paper", action="store_const", const=(), dest="paper_shapes", help="leave (a) out")
    parser.add_argument("--skip-peers", action="store_true", help="leave (a) and (b) out")
    parser.add_argument("--scaling-rows", type=int, default=64, help="samples of the runs over threads and workers")
    parser.add_argument("--many-rows", type=int, default=640, help="samples of the largest job (64, 640 and so many)")
    parser.add_argument("--tiny-rows", type=int, default=4000, help="samples of 8 tokens")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", help="also write everything measured there")
    options = parser.parse_args(arguments)
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"unknown sections {sorted(unknown)}; known: {', '.join(SECTIONS)}")
    return options


def measure_sections(options):
    """Yields (key, measured, lines), one section after the other."""
    def fresh():
        return tempfile.TemporaryDirectory(prefix="headscope-benchmark-")

    if "speed" in options.sections:
        for shape in options.shapes:
            with fresh() as folder:
                measured = section_speed.measure(options, shape, folder)
            yield f"speed {shape}", measured, section_speed.report_lines(measured)
    if "scaling" in options.sections:
        with fresh() as folder:
            measured = section_scaling.measure(options, options.shapes[0], folder)
        yield "scaling", measured, section_scaling.report_lines(measured)
    if "memory" in options.sections:
        with fresh() as folder:
            measured = section_memory.measure(options, folder)
        yield "memory", measured, section_memory.report_lines(measured)


def main(arguments):
    options = parse_arguments(arguments)
    print(f"{platform.machine()}, {options.threads} threads; OPENBLAS_CORETYPE="
          f"{os.environ.get('OPENBLAS_CORETYPE', '')!r} here, unset for every contestant; "
          f"OMP_NUM_THREADS={options.threads} for peers and the engine", flush=True)
    everything = {}
    for key, measured, lines in measure_sections(options):
        everything[key] = measured
        print("\n".join(lines), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(everything, file)


if __name__ == "__main__":
    main(sys.argv[1:])
