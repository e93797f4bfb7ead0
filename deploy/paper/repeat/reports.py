"""The HTML pages that `headscope report` makes of the patterns."""

import json

from .programs import say
from .setting import BASIC, COMPLEX, TASKS


def write_changes(service, jobs, folder):
    """{task: file} of the change of each task's pattern, [[...]] as the command line reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for task in TASKS:
        before, after = (service.ask("result", jobs[when][task])["pattern"] for when in ("before", "after"))
        files[task] = folder / f"{task}.json"
        files[task].write_text(json.dumps([[b - a for a, b in zip(*rows, strict=True)]
                                           for rows in zip(before, after, strict=True)]))
    return files


def write(setting, service, jobs, output):
    """report.html: every task before and after; the changes; the way of each task. Returns the files' names."""
    say("writing the reports")
    before, after = ([jobs[when][task] for task in TASKS] for when in ("before", "after"))
    permutations = ("--permutations", setting.permutations)
    labels = [f"{task} {when}" for when in ("before", "after") for task in TASKS]
    service.text("report", *before, *after, "--label", ",".join(labels), "--title",
                 "Patterns of basic and complex tasks before and after fine-tuning", "--decompose",
                 ",".join(jobs["after"][task] for task in COMPLEX), "--basis",
                 ",".join(jobs["after"][task] for task in BASIC), "--intercept", *permutations, "-o",
                 output / "report.html")
    changes = write_changes(service, jobs, output / "changes")
    service.text("report", *changes.values(), "--label", ",".join(TASKS), "--title",
                 "Changes of patterns, after less before fine-tuning", "--magnitudes", "--head-order", "magnitude",
                 "--decompose", ",".join(str(changes[task]) for task in COMPLEX), "--basis",
                 ",".join(str(changes[task]) for task in BASIC), "--intercept", *permutations, "-o",
                 output / "report-changes.html")
    names = ["report.html", "report-changes.html"]
    for task in TASKS:
        points = [(0, jobs["before"][task])] + sorted(jobs["steps"][task].items())
        names.append(f"report-steps-{task}.html")
        service.text("report", *(job for _, job in points), "--label", ",".join(str(step) for step, _ in points),
                     "--track", "--title", f"The pattern of {task} along fine-tuning", "-o", output / names[-1])
    return names
