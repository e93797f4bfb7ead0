"""Runs the contestants that are programs of their own: headscope-engine-check and the peers."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment(threads):
    """Some machines force OpenBLAS to kernels of an older processor; everybody gets what this one can do."""
    kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    kept["OMP_NUM_THREADS"] = str(threads)
    return kept


def engine_check(options, *arguments, threads=None):
    """headscope-engine-check's JSON lines."""
    threads = threads or options.threads
    done = subprocess.run([os.path.join(options.binaries, "headscope-engine-check"), "--format", "json", "--threads",
                           str(threads), *arguments], stdout=subprocess.PIPE, env=environment(threads), check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def engine_alone(options, directory, data, dtype, batch_tokens, *arguments, threads=None):
    """The engine without the service, over token rows."""
    say(f"engine alone, {dtype}")
    return engine_check(options, "--speed", directory, "--data", data, "--engine", "fast", "--dtype", dtype,
                        "--batch-tokens", str(batch_tokens), *arguments, threads=threads)[0]


def product_rates(options, directory, dtypes, rows):
    """dtype -> rates of the model's own matrix products."""
    say("matrix products")
    lines = engine_check(options, "--products", directory, "--dtype", ",".join(dtypes), "--batch-tokens", str(rows))
    return {line["dtype"]: line for line in lines}


def peer(options, procedure, directory, data, *arguments):
    """One of peers.py's procedures."""
    say(f"peer {procedure} {' '.join(arguments)}")
    done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "peers.py"), procedure, "--model", directory, "--data",
                           data, "--threads", str(options.threads), *arguments], stdout=subprocess.PIPE,
                          env=environment(options.threads), check=True)
    return json.loads(done.stdout)
