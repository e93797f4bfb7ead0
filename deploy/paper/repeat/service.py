"""headscope-server with local workers, asked through the command line."""

import json
import os
import signal
import subprocess
import time

from .programs import BIN, ProgramError, run

# Exit status of `headscope` for what is not there.
NOT_FOUND = 4


class Service:
    """One headscope-server with local workers on ports of its own choice."""

    def __init__(self, directory, models, workers):
        self.directory, self.models, self.workers = directory, models, workers

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        ready = self.directory / "ready.json"
        ready.unlink(missing_ok=True)
        listen = [word for which in ("listen", "worker-listen", "metrics-listen")
                  for word in (f"--{which}", "127.0.0.1:0")]
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
        """The change from `base` to `target` by those from `basis_base` to `basis`; bases None: patterns themselves."""
        changes = ["--base", base, "--basis-base", ",".join(basis_base)] if base else []
        return self.ask("decompose", target, "--basis", ",".join(basis), *changes, *arguments)
