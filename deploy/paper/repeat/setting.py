"""What is run: tasks, models, numbers of steps, samples and seeds."""

import dataclasses

BASIC = ("add", "copy", "reverse", "sort")
# Every complex task and the basic ones that it is composed of.
PARTS = {
    "add-then-reverse": ("add", "reverse"),
    "copy-and-reverse": ("copy", "reverse"),
    "copy-and-sort": ("copy", "sort"),
    "sort-then-reverse": ("sort", "reverse"),
}
COMPLEX = tuple(PARTS)
TASKS = BASIC + COMPLEX


@dataclasses.dataclass(frozen=True)
class Setting:
    """One size of the experiment. Steps are the optimiser's, rows and samples examples of one task."""

    name: str
    # The base model: all basic tasks, drawn anew at every step, and stopped before any is mastered.
    base_steps: int
    base_batch: int
    # Fine-tuning on one task.
    rows: int
    steps: int
    checkpoints: tuple
    # Fine-tuning on few rows.
    counted_tasks: tuple
    counts: tuple
    count_steps: int
    # Held-out samples: of a pattern, and of a measurement of loss and accuracy.
    samples: int
    held_out: int
    permutations: int
    # Both applications.
    targets: tuple
    seeds: tuple
    application_steps: int
    # Mixture: rows of the warm-up, and of the target that are to be had.
    warm_up_rows: int
    scarce_rows: int
    # Selection: rows of each task in the pool, rows chosen, and rows of the target that are known.
    pool_rows: int
    chosen_rows: int
    known_rows: int
    # Of every training but the base model's.
    batch: int = 16
    learning_rate: float = 0.001
    warm_up_steps: int = 20


FULL = Setting(
    name="full", base_steps=600, base_batch=32, rows=2000, steps=400, checkpoints=(10, 25, 50, 100, 200, 400),
    counted_tasks=("reverse", "copy-and-reverse", "sort-then-reverse"), counts=(8, 32, 128, 512, 2000),
    count_steps=100, samples=128, held_out=256, permutations=2000, targets=COMPLEX, seeds=(1, 2, 3, 4, 5),
    application_steps=60, warm_up_rows=512, scarce_rows=64, pool_rows=128, chosen_rows=128, known_rows=32)

QUICK = Setting(
    name="quick", base_steps=60, base_batch=16, rows=64, steps=20, checkpoints=(5, 20),
    counted_tasks=("copy-and-reverse",), counts=(8, 32), count_steps=10, samples=16, held_out=32, permutations=200,
    targets=("copy-and-reverse",), seeds=(1, 2), application_steps=10, warm_up_rows=64, scarce_rows=16, pool_rows=16,
    chosen_rows=16, known_rows=8)
