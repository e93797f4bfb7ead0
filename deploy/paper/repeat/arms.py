"""What both applications share: rows in files, and ways of choosing training data compared by held-out results."""

import json

from .interval import mean_interval


def read_rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def measure(trainer, task, directories):
    """{arm: {"loss", "accuracy"}} of models, one for each arm, on the task's held-out examples."""
    found = trainer.evaluate(directories.values(), task)
    return {arm: {key: one[key] for key in ("loss", "accuracy")} for arm, one in zip(directories, found, strict=True)}


def differences(runs, better, worse):
    """Paired over runs: loss and accuracy of `better` less those of `worse`, with Student's 95 % intervals."""
    def paired(chosen):
        return {key: mean_interval([run["measured"][better][key] - run["measured"][worse][key] for run in chosen])
                for key in ("loss", "accuracy")}

    targets = sorted({run["target"] for run in runs})
    return {"all": paired(runs)} | {target: paired([run for run in runs if run["target"] == target])
                                    for target in targets}


def means(runs, arms):
    """{arm: {"loss", "accuracy"}} with intervals, over all runs."""
    return {arm: {key: mean_interval([run["measured"][arm][key] for run in runs]) for key in ("loss", "accuracy")}
            for arm in arms}
