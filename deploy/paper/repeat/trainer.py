"""headscope-trainer: base models, fine-tuned ones, held-out results, rows of tasks."""

import hashlib
import json
import pathlib
import threading

from .programs import run


def recipe_of(command, made=None):
    """A digest of all that makes something: the command, the rows it names, the model it begins with; and of `made`, a
    file that must be as it came out."""
    digest = hashlib.sha256(" ".join(command).encode())
    for flag, file in (("--data", ""), ("--from", "model.safetensors")):
        if flag in command:
            digest.update((pathlib.Path(command[command.index(flag) + 1]) / file).read_bytes())
    if made:
        digest.update(made.read_bytes())
    return digest.hexdigest() + "\n"


class Trainer:
    """headscope-trainer with one thread. What is there already, made from the same, is kept."""

    def __init__(self, setting):
        self.setting = setting
        self.steps = 0
        self._lock = threading.Lock()

    def rows(self, path, task, count, seed, split="training"):
        """Writes `count` rows of a task to `path`, unless they are there as the same command left them."""
        command = ["headscope-trainer", "rows", "--task", task, "--count", str(count), "--split", split, "--seed",
                   str(seed), "-o", str(path)]
        recipe = path.with_name(f"{path.name}.recipe")
        if path.exists() and recipe.exists() and recipe.read_text() == recipe_of(command, path):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        recipe.unlink(missing_ok=True)
        run(*command)
        recipe.write_text(recipe_of(command, path))
        return path

    def base(self, directory, tasks):
        self._train(directory, self.setting.base_steps, "--task", ",".join(tasks), "--batch", self.setting.base_batch)

    def fine_tune(self, directory, start, data, steps, seed=1, limit=0, checkpoints=()):
        """Fine-tunes `start` on the rows of `data` into `directory`."""
        setting = self.setting
        arguments = ["--from", start, "--data", data, "--limit", limit, "--batch", setting.batch, "--learning-rate",
                     setting.learning_rate, "--warm-up", min(setting.warm_up_steps, steps), "--seed", seed]
        if checkpoints:
            arguments += ["--checkpoints", ",".join(map(str, checkpoints))]
        self._train(directory, steps, *arguments)

    def evaluate(self, models, task):
        """[{"loss", "accuracy", ...}] of each of the models on held-out examples of the task."""
        shown = run("headscope-trainer", "evaluate", "--model", ",".join(map(str, models)), "--task", task, "--count",
                    self.setting.held_out)
        return json.loads(shown)["evaluations"]

    def _train(self, directory, steps, *arguments):
        command = ["headscope-trainer", "train", "--threads", "1", "--steps", str(steps), *map(str, arguments), "-o",
                   str(directory)]
        recipe, wanted = directory / "recipe", recipe_of(command)
        if recipe.exists() and recipe.read_text() == wanted:
            return
        with self._lock:
            self.steps += steps
        recipe.unlink(missing_ok=True)
        run(*command)
        recipe.write_text(wanted)
