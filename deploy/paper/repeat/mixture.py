"""First application: a warm-up on basic tasks, mixed as the decomposition says, before few rows of a complex task.

For each complex task and seed, from the same base model and with the same scarce rows of the target:
- direct: fine-tuned on the scarce rows alone;
- planned: first on a mixture of basic tasks' rows in proportion to the coefficients of NNLS of the target's change of
  pattern (from the base model to `direct`, both on the scarce rows: nothing else of the target is looked at) by the
  basic tasks' changes; then on the scarce rows;
- random: first on as many rows drawn at random from all basic tasks' rows; then on the scarce rows;
- parts: first on as many rows of the two tasks that the target is composed of, half of each; then on the scarce rows.
  Nobody would know them: the bound for a plan that finds the right tasks.
"""

import random

from . import arms
from .programs import say
from .setting import BASIC, PARTS

ARMS = ("direct", "planned", "random", "parts")


def basic_rows(setting, trainer, folder, seed):
    """{task: rows}, of each basic task as many as the whole warm-up has."""
    return {task: arms.read_rows(trainer.rows(folder / f"{task}.jsonl", task, setting.warm_up_rows, 1000 + seed))
            for task in BASIC}


def plan(setting, service, jobs, target_jobs):
    """(coefficients, {task: samples}) of the warm-up, from the target's change of pattern."""
    before, after = target_jobs
    found = service.decompose(after, before, [jobs["after"][task] for task in BASIC],
                              [jobs["before"][task] for task in BASIC], "--fit", "nnls", "--permutations", 0,
                              "--resamples", 0)
    coefficients = dict(zip(BASIC, found["coefficients"], strict=True))
    if not any(value > 0 for value in coefficients.values()):
        # No basic task's change points the target's way: nothing to plan by.
        return coefficients, {task: setting.warm_up_rows // len(BASIC) for task in BASIC}
    components = [word for task, value in coefficients.items() for word in ("--component", f"{task}={value!r}")]
    shares = service.ask("plan-mixture", "--budget", setting.warm_up_rows, *components)["shares"]
    return coefficients, {share["name"]: share["samples"] for share in shares}


class Cell:
    """One complex task and seed: its files, models and scarce rows."""

    def __init__(self, setting, trainer, models, target, seed):
        self.setting, self.trainer, self.models, self.target, self.seed = setting, trainer, models, target, seed
        self.folder = models.data / "mixture" / target / f"seed-{seed}"
        self.scarce = trainer.rows(self.folder / "scarce.jsonl", target, setting.scarce_rows, 2000 + seed)

    def name(self, arm):
        return f"mixture/{self.target}/seed-{self.seed}/{arm}"

    def fine_tune(self, arm, start, data):
        self.trainer.fine_tune(self.models.of(self.name(arm)), start, data, self.setting.application_steps,
                               seed=self.seed)
        return self.models.of(self.name(arm))


def make_cell(setting, trainer, models, target, seed):
    """A cell with its model `direct`, from which the plan is made."""
    cell = Cell(setting, trainer, models, target, seed)
    cell.fine_tune("direct", models.base, cell.scarce)
    return cell


def run_one(setting, trainer, service, models, jobs, cell):
    target, seed = cell.target, cell.seed
    target_jobs = [service.pattern(model, cell.scarce, task=target, seed=seed)
                   for model in ("base", cell.name("direct"))]
    coefficients, samples = plan(setting, service, jobs, target_jobs)
    rows = basic_rows(setting, trainer, cell.folder, seed)
    every_row = [row for task in BASIC for row in rows[task]]
    chosen = {"planned": [row for task in BASIC for row in rows[task][:samples[task]]],
              "random": random.Random(seed).sample(every_row, setting.warm_up_rows),
              "parts": [row for task in PARTS[target] for row in rows[task][:setting.warm_up_rows // 2]]}
    finished = {"direct": models.of(cell.name("direct"))}
    for arm, warm_up in chosen.items():
        warm = cell.fine_tune(f"{arm}-warm-up", models.base, arms.write_rows(cell.folder / f"{arm}.jsonl", warm_up))
        finished[arm] = cell.fine_tune(arm, warm, cell.scarce)
    say(f"mixture for {target}, seed {seed}: " + ", ".join(f"{task} {count}" for task, count in samples.items()))
    return {"target": target, "seed": seed, "coefficients": coefficients, "samples": samples,
            "measured": arms.measure(trainer, target, finished)}


def run(setting, trainer, service, models, jobs, pool):
    say("first application: mixtures of basic tasks")
    wanted = [(target, seed) for target in setting.targets for seed in setting.seeds]
    cells = list(pool.map(lambda pair: make_cell(setting, trainer, models, *pair), wanted))
    runs = list(pool.map(lambda cell: run_one(setting, trainer, service, models, jobs, cell), cells))
    return {"arms": ARMS, "runs": runs, "means": arms.means(runs, ARMS),
            "differences": {f"{better} - {worse}": arms.differences(runs, better, worse) for better, worse in
                            (("planned", "random"), ("planned", "direct"), ("random", "direct"), ("parts", "random"))}}
