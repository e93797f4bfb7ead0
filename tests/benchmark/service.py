"""Runs the product as the benchmark's third contestant: a server and one worker, driven through the command line."""

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
    """A server and one worker over `model_root`; stopped on exit of the `with` block. Logs go to `folder`."""

    def __init__(self, binaries, model_root, folder, threads):
        self.binaries = binaries
        self.model_root = model_root
        self.folder = folder
        self.threads = threads
        self.processes = []

    def __enter__(self):
        ready_file = os.path.join(self.folder, "ready.json")
        self.start("headscope-server", "--data-dir", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0",
                   "--worker-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--ready-file", ready_file)
        ready = self.wait_for(lambda: self.read_json(ready_file), "the server's ready file")
        self.address = ready["listen"]
        self.metrics = f"127.0.0.1:{free_port()}"
        self.start("headscope-worker", "--server", ready["worker_listen"], "--model-root", self.model_root,
                   "--threads", str(self.threads), "--metrics-listen", self.metrics)
        self.wait_for(lambda: self.command("models").get("models"), "a worker's catalogue")
        return self

    def __exit__(self, *unused):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, program, *arguments):
        with open(os.path.join(self.folder, program + ".log"), "wb") as log:
            self.processes.append(subprocess.Popen([os.path.join(self.binaries, program), *arguments],
                                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL))

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
        """Seconds that the worker has spent in scoring so far."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = re.search(r'^headscope_worker_stage_seconds_sum\{[^}]*stage="score"[^}]*\} (\S+)$', text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def tokenize(self, model, row):
        """Ids of one row as the service makes them, without the end of sequence: (ids, prompt_tokens)."""
        answer = self.command("tokenize", model, row["prompt"], "--response", row["response"])
        return answer["ids"], answer["prompt_tokens"]

    def attribute(self, model, data, *options):
        """One job over `data`: {"result", "seconds", "compute_seconds", "tokens"}."""
        computed = self.compute_seconds()
        started = time.monotonic()
        result = self.command("attribute", "--model", model, "--data", data, "--samples", *options)
        seconds = time.monotonic() - started
        tokens = sum(sample["tokens"] for sample in result["samples"])
        return {"result": result, "seconds": seconds, "compute_seconds": self.compute_seconds() - computed,
                "tokens": tokens, "tokens_per_second": tokens / seconds}

    def peak_rss_bytes(self):
        """Of server and worker together."""
        return sum(peak_rss_bytes(process.pid) for process in self.processes)
