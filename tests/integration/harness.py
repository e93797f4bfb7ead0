"""Starts and stops the real binaries, and runs the command line against them."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["HEADSCOPE_BIN"])
SOURCE = pathlib.Path(os.environ["HEADSCOPE_SOURCE"])
SHARED = pathlib.Path(os.environ.get("HEADSCOPE_SHARED", SOURCE / "../shared"))
GOLDEN = SOURCE / "tests/golden"
FAMILIES = ("gpt2", "llama", "llama3", "gemma2")


def wait_for(condition, seconds, what):
    """Polls until condition() is true; fails loudly instead of hanging."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)


class Server:
    """One headscope-server process on ports of its own choice."""

    def __init__(self, data, models, *flags, prefix=(), env=None):
        self.data, self.models, self.flags = pathlib.Path(data), models, list(flags)
        self.prefix, self.env, self.process = list(prefix), dict(env or {}), None
        self.log_path = self.data.parent / (self.data.name + ".log")

    def command(self, ready):
        return self.prefix + [
            str(BIN / "headscope-server"), "--data-dir", str(self.data), "--model-root", str(self.models),
            "--metrics-listen", "127.0.0.1:0", "--ready-file", str(ready)] + self.flags

    def start(self, listen="127.0.0.1:0", worker_listen="127.0.0.1:0"):
        ready = self.data.parent / (self.data.name + ".ready")
        ready.unlink(missing_ok=True)
        command = self.command(ready) + ["--listen", listen, "--worker-listen", worker_listen]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | self.env)

        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"server ended with {self.process.returncode}:\n{self.log()}")
            return ready.exists()

        wait_for(is_ready, 60, "server ready")
        self.addresses = json.loads(ready.read_text())
        return self

    def restart(self):
        """Starts again on the same ports, as a supervisor would."""
        return self.start(self.addresses["listen"], self.addresses["worker_listen"])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"server did not stop within 60 s of SIGTERM:\n{self.log()}")

    def log(self):
        return self.log_path.read_text(errors="replace")[-8000:]

    def cli(self, *arguments, timeout=300, input=None, env=None):
        command = [str(BIN / "headscope"), "--server", self.addresses["listen"], *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=input,
                              env=os.environ | (env or {}))
        return Result(done.returncode, done.stdout, done.stderr)

    def spawn_cli(self, *arguments):
        command = [str(BIN / "headscope"), "--server", self.addresses["listen"], *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def metrics(self):
        import urllib.request
        with urllib.request.urlopen(f"http://{self.addresses['metrics_listen']}/metrics", timeout=10) as response:
            return response.read().decode()


class Worker:
    """A headscope-worker process of its own, dialling a server."""

    def __init__(self, server, name, models=None):
        log = open(server.data.parent / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            [str(BIN / "headscope-worker"), "--server", server.addresses["worker_listen"], "--worker-id", name,
             "--model-root", str(models or server.models), "--threads", "1", "--metrics-listen", "127.0.0.1:0"],
            stdout=log, stderr=log)
        log.close()

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)


class Case(unittest.TestCase):
    """A scratch folder and a model root with the golden models; whatever was started is stopped."""

    maxDiff = 2000

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="headscope-test-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.models = self.scratch / "models"
        self.models.mkdir()
        for family in FAMILIES:
            shutil.copytree(GOLDEN / family, self.models / family)
            os.chmod(self.models / family, 0o755)

    def server(self, *flags, name="data", **options):
        server = Server(self.scratch / name, self.models, *(flags or ("--local-workers", "1", "--worker-threads", "1")), **options)
        self.addCleanup(server.stop)
        return server

    def worker(self, server, name):
        worker = Worker(server, name)
        self.addCleanup(worker.stop)
        return worker

    def rows(self, name, rows):
        path = self.scratch / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def random_rows(self, name, count, seed=1, vocabulary=90, longest=100):
        """Token-id rows whose work takes a while; the same for the same seed."""
        draw = random.Random(seed)
        rows = []
        for index in range(count):
            length = draw.randint(8, longest)
            rows.append({"id": f"r{index}", "token_ids": [draw.randrange(vocabulary) for _ in range(length)],
                         "prompt_tokens": draw.randrange(length - 1)})
        return self.rows(name, rows)

    def assert_ok(self, result):
        self.assertEqual(result.status, 0, result.err + result.out[:2000])
        return result


def largest(matrix):
    return max(abs(value) for row in matrix for value in row)


def worst(found, wanted):
    """Largest difference of two matrices relative to the largest of the wanted one."""
    scale = largest(wanted)
    return max(abs(a - b) for x, y in zip(found, wanted, strict=True) for a, b in zip(x, y, strict=True)) / scale
