"""Runs the project's programs: the trainer, the server, and the command line that asks it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

BIN = pathlib.Path(os.environ.get("HEADSCOPE_BIN", pathlib.Path(__file__).resolve().parents[3] / "build/release/bin"))


class ProgramError(Exception):
    """A program ended badly; the message holds what it said, `status` how it ended."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def check_programs():
    for program in ("headscope", "headscope-server", "headscope-trainer", "headscope-worker"):
        if not os.access(BIN / program, os.X_OK):
            raise ProgramError(f"there is no {program} in {BIN}: build it, or name its folder in HEADSCOPE_BIN")


def run(program, *arguments):
    """What the program prints. It computes with lower priority than what else the machine does."""
    command = [str(BIN / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.nice(5))
    if done.returncode != 0:
        raise ProgramError(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.strip()}",
                           done.returncode)
    return done.stdout


NOT_FOUND = 4


class Trainer:
    """headscope-trainer with one thread. What is there already, made by the same command, is kept."""

    def __init__(self, setting):
        self.setting = setting
        self.steps = 0
        self._lock = threading.Lock()

    def rows(self, path, task, count, seed, split="training"):
        """Writes `count` rows of a task to `path`, unless it has as many already."""
        if path.exists() and len(path.read_text().splitlines()) == count:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        run("headscope-trainer", "rows", "--task", task, "--count", count, "--split", split, "--seed", seed, "-o", path)
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
        with self._lock:
            self.steps += steps
        try:
            if json.loads((directory / "training.json").read_text())["command"] == " ".join(command):
                return
        except (OSError, ValueError):
            pass  # not trained, or not to the end
        run(*command)


class Service:
    """One headscope-server with local workers on ports of its own choice."""

    def __init__(self, directory, models, workers):
        self.directory, self.models, self.workers = directory, models, workers

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        ready = self.directory / "ready.json"
        ready.unlink(missing_ok=True)
        listen = [word for which in ("listen", "worker-listen", "metrics-listen") for word in (f"--{which}", "127.0.0.1:0")]
        with open(self.directory / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(BIN / "headscope-server"), "--data-dir", str(self.directory / "data"), "--model-root",
                 str(self.models), "--local-workers", str(self.workers), "--worker-threads", "1", "--ready-file",
                 str(ready), *listen], stdout=log, stderr=log, preexec_fn=lambda: os.nice(5))
        deadline = time.monotonic() + 60
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise ProgramError(f"the server did not start; see {self.directory / 'server.log'}")
            time.sleep(0.05)
        self.address = json.loads(ready.read_text())["listen"]
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, command, *arguments):
        """What `headscope COMMAND` prints as JSON."""
        return json.loads(self.text(command, *arguments))

    def text(self, command, *arguments):
        return run("headscope", "--server", self.address, "--format", "json", command, *arguments)

    def await_model(self, model):
        """Workers look for new models every few seconds."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.ask("model", model)
            except ProgramError as error:
                if error.status != NOT_FOUND or time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def pattern(self, model, data, **labels):
        """Job id of the pattern of a model (its path beneath the root) on the rows of a file."""
        self.await_model(model)
        words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        return self.ask("attribute", "--model", model, "--data", data, *words)["job"]

    def decompose(self, target, base, basis, basis_base, *arguments):
        """The change from `base` to `target` by the changes from `basis_base` to `basis`; bases None: patterns themselves."""
        changes = ["--base", base, "--basis-base", ",".join(basis_base)] if base else []
        return self.ask("decompose", target, "--basis", ",".join(basis), *changes, *arguments)
