"""Command line of the repeat."""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import resource
import signal
import sys
import time

from . import findings, mixture, patterns, reports, selection, summary
from .programs import ProgramError, check_programs, say
from .service import Service
from .setting import FULL, PARTS, QUICK
from .trainer import Trainer

BUILD = pathlib.Path(__file__).resolve().parents[3] / "build"


def parse():
    parser = argparse.ArgumentParser(prog="repeat.sh", description="Repeats arXiv 2409.15820 at small scale.")
    parser.add_argument("--quick", action="store_true",
                        help="every step, with far too few of everything to find anything")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="DIR",
                        help="folder of the results; models that lie there already are kept (default: build/paper, "
                        "with --quick build/paper-quick)")
    parser.add_argument("--seeds", type=int, metavar="N",
                        help="runs of the applications for each complex task (default: 5, with --quick 2)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N",
                        help="trainings and commands at the same time, each of one thread (default: one per core)")
    arguments = parser.parse_args()
    if arguments.output is None:
        arguments.output = BUILD / ("paper-quick" if arguments.quick else "paper")
    for flag in ("jobs", "seeds"):
        if getattr(arguments, flag) is not None and getattr(arguments, flag) < 1:
            parser.error(f"--{flag} is at least 1, not {getattr(arguments, flag)}")
    return arguments


def repeat(setting, output, trainer, jobs_at_once):
    models = patterns.Models(output)
    models.root.mkdir(parents=True, exist_ok=True)
    results = {"setting": dataclasses.asdict(setting), "parts": PARTS}
    with concurrent.futures.ThreadPoolExecutor(jobs_at_once) as pool:
        patterns.train(setting, trainer, models, pool)
        with Service(output / "service", models.root, jobs_at_once) as service:
            jobs = patterns.compute(setting, service, models, pool)
            results["jobs"] = jobs
            results["measured"] = patterns.measure(setting, trainer, models, pool)
            results["dispersion"] = findings.dispersion(service, jobs, pool)
            results["similarity"] = findings.similarity(service, jobs)
            results["combination"] = findings.combination(setting, service, jobs, pool)
            results["change"] = findings.change(setting, service, jobs, pool)
            results["mixture"] = mixture.run(setting, trainer, service, models, jobs, pool)
            results["selection"] = selection.run(setting, trainer, service, models, pool)
            results["reports"] = reports.write(setting, service, jobs, output)
    return results


def main():
    arguments = parse()
    check_programs()
    # Whoever is told to end ends the server too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    output = arguments.output.resolve()
    setting = QUICK if arguments.quick else FULL
    if arguments.seeds is not None:
        setting = dataclasses.replace(setting, seeds=tuple(range(1, arguments.seeds + 1)))
    trainer = Trainer(setting)
    begun = time.monotonic()
    results = repeat(setting, output, trainer, arguments.jobs)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    results["run"] = {"training_steps": trainer.steps, "seconds": round(time.monotonic() - begun),
                      "processor_seconds": round(used.ru_utime + used.ru_stime), "jobs": arguments.jobs}
    (output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = summary.text(results)
    (output / "summary.txt").write_text(text)
    print(text)
    say(f"results.json, summary.txt and {', '.join(results['reports'])} are in {output}")


if __name__ == "__main__":
    try:
        main()
    except ProgramError as error:
        sys.exit(f"repeat: {error}")
    except KeyboardInterrupt:
        sys.exit("repeat: stopped; the same command goes on")
