"""Runs the product as a contestant: a server and its workers, driven through the command line."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def peak_rss_bytes(pid):
    """High-water mark of a live process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class Service:
    """A server and workers of `threads` threads over `model_root`; stopped on exit of the `with` block. Logs go to
    `folder`."""

    def __init__(self, binaries, model_root, folder, threads, workers=1):
        self.binaries = binaries
        self.model_root = model_root
        self.folder = folder
        self.threads = threads
        self.workers = workers
        self.processes = []
        self.metrics = []

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        ready_file = os.path.join(self.folder, "ready.json")
        self.start("headscope-server", "--data-dir", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0",
                   "--worker-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--ready-file", ready_file)
        ready = self.wait_for(lambda: self.read_json(ready_file), "the server's ready file")
        self.address = ready["listen"]
        for worker in range(self.workers):
            self.metrics.append(f"127.0.0.1:{free_port()}")
            self.start("headscope-worker", "--server", ready["worker_listen"], "--model-root", self.model_root,
                       "--worker-id", f"worker-{worker}", "--threads", str(self.threads), "--metrics-listen",
                       self.metrics[-1])
        self.wait_for(self.all_are_ready, "catalogue of every worker")
        return self

    def all_are_ready(self):
        models = self.command("models")["models"]
        return models and all("session open" in self.log(index + 1) for index in range(self.workers))

    def log(self, index):
        with open(self.processes[index].log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def __exit__(self, *unused):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, program, *arguments):
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
        path = os.path.join(self.folder, f"{len(self.processes)}-{program}.log")
        with open(path, "wb") as log:
            process = subprocess.Popen([os.path.join(self.binaries, program), *arguments], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, env=environment)
        process.log_path = path
        self.processes.append(process)

    def wait_for(self, check, what, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args[0]} ended with {process.returncode}; see {self.folder}")
            found = check()
            if found:
                return found
            time.sleep(0.1)
        raise RuntimeError(f"no {what} within {seconds} s; see {self.folder}")

    @staticmethod
    def read_json(path):
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def command(self, *arguments):
        """One `headscope` command; its JSON result."""
        done = subprocess.run([os.path.join(self.binaries, "headscope"), "--server", self.address, "--format", "json",
                               *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"headscope {arguments[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return json.loads(done.stdout)

    def compute_seconds(self):
        """Seconds that the workers have spent in scoring so far, on average."""
        return sum(map(self.compute_seconds_of, self.metrics)) / len(self.metrics)

    @staticmethod
    def compute_seconds_of(metrics):
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = re.search(r'^headscope_worker_stage_seconds_sum\{[^}]*stage="score"[^}]*\} (\S+)$', text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def warm(self, model, data, *options):
        """Has every worker load the model: jobs run until each has computed something."""
        def all_have_computed():
            self.attribute(model, data, "--limit", str(8 * self.workers), *options)
            return all(self.compute_seconds_of(metrics) > 0 for metrics in self.metrics)

        self.wait_for(all_have_computed, "work of every worker")

    def tokenize(self, model, row):
        """Ids of one row as the service makes them, without the end of sequence: (ids, prompt_tokens)."""
        answer = self.command("tokenize", model, row["prompt"], "--response", row["response"])
        return answer["ids"], answer["prompt_tokens"]

    def attribute(self, model, data, *options):
        """One job over `data`: {"result", "samples", "tokens", "seconds", "compute_seconds", "batch_tokens", ...}."""
        computed = self.compute_seconds()
        started = time.monotonic()
        result = self.command("attribute", "--model", model, "--data", data, "--samples", *options)
        seconds = time.monotonic() - started
        tokens = sum(sample["tokens"] for sample in result["samples"])
        return {"result": result, "seconds": seconds, "compute_seconds": self.compute_seconds() - computed,
                "samples": len(result["samples"]), "tokens": tokens, "tokens_per_second": tokens / seconds,
                "batch_tokens": result["provenance"]["batch_tokens"]}

    def peak_rss_bytes(self):
        """Of server and worker together."""
        return sum(peak_rss_bytes(process.pid) for process in self.processes)
