"""Second application: training data chosen from a pool by the similarity of samples' own scores to a target pattern.

The pool has as many rows of every task. For each complex task and seed, from the same base model:
- similar: fine-tuned on the rows whose scores are most like (cosine) the pattern of a few known rows of the target, all
  computed with the base model;
- random: fine-tuned on as many rows drawn at random from the pool;
- own: fine-tuned on as many of the pool's rows of the target itself: the bound for a perfect choice.
Whose rows were chosen is counted too: by chance a share of 1 / tasks are the target's own.
"""

import collections
import random

from . import arms
from .interval import mean_interval
from .programs import say
from .setting import TASKS

ARMS = ("similar", "random", "own")


def make_pool(setting, trainer, service, models, seed):
    """(rows by id, job of their scores) of one seed's pool."""
    folder = models.data / "selection" / f"seed-{seed}"
    rows = [row for task in TASKS
            for row in arms.read_rows(trainer.rows(folder / f"{task}.jsonl", task, setting.pool_rows, 3000 + seed))]
    data = arms.write_rows(folder / "pool.jsonl", rows)
    return {row["id"]: row for row in rows}, service.pattern("base", data, task="pool", seed=seed)


def task_of(row):
    return row["prompt"].split(":")[0]


def run_one(setting, trainer, service, models, pools, target, seed):
    """One complex task and seed."""
    rows, pool_job = pools[seed]
    folder, name = models.data / "selection" / f"seed-{seed}" / target, ("selection", target, f"seed-{seed}")
    known = trainer.rows(folder / "known.jsonl", target, setting.known_rows, 4000 + seed)
    target_job = service.pattern("base", known, task=target, seed=seed)
    ranked = service.ask("rank", "--target", target_job, "--pool", pool_job, "--top", setting.chosen_rows,
                         "--measure", "cosine")["samples"]
    chosen = {"similar": [rows[sample["id"]] for sample in ranked],
              "random": random.Random(seed).sample(list(rows.values()), setting.chosen_rows),
              "own": [row for row in rows.values() if task_of(row) == target][:setting.chosen_rows]}
    finished = {}
    for arm in ARMS:
        data = arms.write_rows(folder / f"{arm}.jsonl", chosen[arm])
        finished[arm] = models.of(*name, arm)
        trainer.fine_tune(finished[arm], models.base, data, setting.application_steps, seed=seed)
    counts = {arm: collections.Counter(task_of(row) for row in chosen[arm]) for arm in ARMS}
    say(f"selection for {target}, seed {seed}: {counts['similar'][target]} of {setting.chosen_rows} are its own")
    return {"target": target, "seed": seed, "tasks_of_chosen": {arm: dict(counts[arm]) for arm in ARMS},
            "share_of_target": {arm: counts[arm][target] / setting.chosen_rows for arm in ARMS},
            "measured": arms.measure(trainer, target, finished)}


def run(setting, trainer, service, models, pool):
    say("second application: rows chosen from a pool")
    made = pool.map(lambda seed: make_pool(setting, trainer, service, models, seed), setting.seeds)
    pools = dict(zip(setting.seeds, made, strict=True))
    cells = [(target, seed) for target in setting.targets for seed in setting.seeds]
    runs = list(pool.map(lambda cell: run_one(setting, trainer, service, models, pools, *cell), cells))
    shares = {arm: mean_interval([run["share_of_target"][arm] for run in runs]) for arm in ARMS}
    return {"arms": ARMS, "runs": runs, "means": arms.means(runs, ARMS), "share_of_target": shares,
            "share_of_target_by_chance": 1 / len(TASKS),
            "differences": {f"{better} - random": arms.differences(runs, better, "random")
                            for better in ("similar", "own")}}
