"""Trains the base model and its fine-tuned ones, and has the service compute every pattern."""

from .programs import say
from .setting import BASIC, TASKS


class Models:
    """Where everything lies beneath the output folder."""

    def __init__(self, output):
        self.root = output / "models"
        self.data = output / "data"
        self.base = self.root / "base"

    def of(self, *names):
        """A model's directory; its name for the service is the path beneath the root."""
        return self.root.joinpath(*names)

    def held_out(self, task):
        return self.data / "held-out" / f"{task}.jsonl"

    def training(self, task):
        return self.data / "training" / f"{task}.jsonl"


def train(setting, trainer, models, pool):
    """The base model, one fine-tuned on each task with its checkpoints, and those of few rows."""
    say(f"training the base model: {setting.base_steps} steps on {', '.join(BASIC)}")
    trainer.base(models.base, BASIC)

    def fine_tune(task):
        trainer.rows(models.held_out(task), task, setting.samples, 1, split="held-out")
        data = trainer.rows(models.training(task), task, setting.rows, 1)
        trainer.fine_tune(models.of("tasks", task), models.base, data, setting.steps, checkpoints=setting.checkpoints)
        say(f"fine-tuned on {task}: {setting.steps} steps, {setting.rows} rows")

    def fine_tune_on_few(task, count):
        trainer.fine_tune(models.of("counts", task, f"rows-{count}"), models.base, models.training(task),
                          setting.count_steps, limit=count)
        say(f"fine-tuned on {count} rows of {task}: {setting.count_steps} steps")

    list(pool.map(fine_tune, TASKS))
    list(pool.map(lambda pair: fine_tune_on_few(*pair),
                  [(task, count) for task in setting.counted_tasks for count in setting.counts]))


def compute(setting, service, models, pool):
    """Job ids: {"before": {task}, "steps": {task: {step}}, "counts": {task: {count}}}; on held-out samples."""
    wanted = [(("before", task), "base", task, {"checkpoint": "base"}) for task in TASKS]
    wanted += [(("steps", task, step), f"tasks/{task}/checkpoint-{step}", task, {"step": step})
               for task in TASKS for step in setting.checkpoints]
    wanted += [(("counts", task, count), f"counts/{task}/rows-{count}", task, {"samples": count})
               for task in setting.counted_tasks for count in setting.counts]
    say(f"computing {len(wanted)} patterns of {setting.samples} samples")
    jobs = {"before": {}, "steps": {task: {} for task in TASKS}, "counts": {task: {} for task in setting.counted_tasks}}

    def compute_one(item):
        place, model, task, labels = item
        return place, service.pattern(model, models.held_out(task), task=task, **labels)

    for place, job in pool.map(compute_one, wanted):
        inner = jobs
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = job
    jobs["after"] = {task: jobs["steps"][task][setting.checkpoints[-1]] for task in TASKS}
    return jobs


def measure(setting, trainer, models, pool):
    """{task: {"before", "after"}}: held-out loss and accuracy of the base model and of the task's own."""
    def measure_one(task):
        before, after = trainer.evaluate([models.base, models.of("tasks", task)], task)
        return {name: {key: found[key] for key in ("loss", "accuracy")}
                for name, found in (("before", before), ("after", after))}

    return dict(zip(TASKS, pool.map(measure_one, TASKS), strict=True))
