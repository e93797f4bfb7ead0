"""Kills a server again and again while jobs are submitted, cancelled, deleted and computed, and then reads everything back.

    tests/wire/run.sh kills.py [--kills 200] [--jobs 100] [--seed 1] [--data DIR]

What is checked: whatever was acknowledged is there, once; every result is the one that was handed in; what was deleted stays
gone; the folder holds no file that nothing refers to (headscope-server check). Bounded in calls and in time.
"""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import grpc
from headscope.v1 import job_pb2

import wire

MODELS = ("one", "two", "three")


class Ledger:
    """What the server has acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.jobs = {}
        self.deleted = set()
        self.cancelled = set()
        self.calls = self.retries = 0

    def repeat(self, call, seconds=120):
        """Repeats a call while the server is away."""
        deadline = time.monotonic() + seconds
        while True:
            with self.lock:
                self.calls += 1
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    raise
                if time.monotonic() > deadline:
                    raise AssertionError(f"the server was away for {seconds} s: {error.details()}") from error
            with self.lock:
                self.retries += 1
            time.sleep(0.05)


def submit_jobs(client, ledger, count, seed, failures):
    draw = random.Random(seed)
    try:
        datasets = []
        for index in range(4):
            samples = wire.make_samples(draw.choice((1, 40, 700)), seed * 100 + index)
            datasets.append((ledger.repeat(lambda s=samples: client.upload(s)).name, len(samples)))
        for index in range(count):
            model, request = draw.choice(MODELS), f"{seed}-{index}"
            if draw.random() < 0.3:
                samples = wire.make_samples(draw.randint(1, 20), seed * 1000 + index)
                job, size = ledger.repeat(lambda: client.submit(model, samples=samples, request_id=request)), len(samples)
            else:
                dataset, size = draw.choice(datasets)
                job = ledger.repeat(lambda: client.submit(model, dataset=dataset, request_id=request))
            assert job.name not in ledger.jobs, f"{job.name} answers two requests"
            with ledger.lock:
                ledger.jobs[job.name] = (model, size)
            if draw.random() < 0.1:
                ledger.repeat(lambda: client.cancel(job.name))
                ledger.cancelled.add(job.name)
            if draw.random() < 0.2:
                delete_one(client, ledger, draw)
    except BaseException as error:  # noqa: B902 the thread's failure is the program's
        failures.append(error)


def delete_one(client, ledger, draw):
    """Deletes a job that has ended, if the one drawn has; a deletion whose answer was lost may have happened."""
    name = draw.choice(sorted(set(ledger.jobs) - ledger.deleted) or [""])
    if not name or ledger.repeat(lambda: client.job(name)).state not in wire.ENDED:
        return
    try:
        ledger.repeat(lambda: client.delete(name))
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
    ledger.deleted.add(name)


def read_back(client, ledger):
    states = {}
    for name, (model, size) in ledger.jobs.items():
        if name in ledger.deleted:
            try:
                client.job(name)
                raise AssertionError(f"{name} was deleted and is back")
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.NOT_FOUND, error
            continue
        job = client.job(name)
        states[job.state] = states.get(job.state, 0) + 1
        if job.state == job_pb2.Job.CANCELLED:
            assert name in ledger.cancelled, f"{name} is cancelled and nobody asked"
            continue
        assert job.state == job_pb2.Job.SUCCEEDED, f"{name}: {job_pb2.Job.State.Name(job.state)} {job.failure}"
        assert len(client.check_result(name, model)) == size, f"{name}: not all samples"
    return states


def check_folder(data):
    done = subprocess.run([wire.BIN / "headscope-server", "check", "--data-dir", data], capture_output=True, text=True)
    assert done.returncode == 0, f"headscope-server check: {done.returncode}\n{done.stdout}{done.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="headscope-kills-") as scratch:
        server = wire.Server(pathlib.Path(options.data or scratch) / "data").start()
        workers = [wire.PlayedWorker(server, f"worker-{i}", MODELS, seconds_per_shard=0.02).start() for i in range(2)]
        client, ledger, failures = wire.Client(server), Ledger(), []
        wire.wait_for(lambda: len(client.models.ListModels(wire.models_pb.ListModelsRequest()).models) == len(MODELS),
                      30, "catalogue")
        submitters = [threading.Thread(target=submit_jobs, daemon=True,
                                       args=(client, ledger, options.jobs // 2, options.seed * 10 + i, failures))
                      for i in range(2)]
        for submitter in submitters:
            submitter.start()
        slowest = 0.0
        try:
            for kill in range(options.kills):
                time.sleep(draw.uniform(0.0, 0.4))
                server.kill()
                server.start()
                slowest = max(slowest, server.start_seconds)
                if failures:
                    raise failures[0]
            for submitter in submitters:
                submitter.join(300)
            if failures:
                raise failures[0]
            wire.wait_for(lambda: all(client.job(name).state in wire.ENDED
                                      for name in set(ledger.jobs) - ledger.deleted), 600, "all jobs ended")
            states = read_back(client, ledger)
        finally:
            for worker in workers:
                worker.stopping.set()
            for worker in workers:
                worker.stop()
            client.close()
            server.stop()
        for worker in workers:
            assert not worker.errors, worker.errors[:3]
        check_folder(server.data)
        files, size = server.files()
        names = {job_pb2.Job.State.Name(state): count for state, count in states.items()}
        print(f"{options.kills} kills, {len(ledger.jobs)} jobs ({len(ledger.deleted)} deleted), {names}, {ledger.calls} calls, "
              f"{ledger.retries} of them repeated; slowest start {slowest:.2f} s; {files} files, {size / 1e6:.1f} MB: all right")


if __name__ == "__main__":
    sys.exit(main())
