"""What goes wrong around a server, provoked from outside: no work is thrown away, nothing is lost, nothing leaks."""

import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import grpc
from google.protobuf import any_pb2
from headscope.v1 import job_pb2

import wire
from wire import jobs_pb, wait_for, worker_pb


def reason_of(error):
    """The reason of google.rpc.ErrorInfo, read from the wire: field 1 of the detail of that type."""
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        status, found = value, []
        for number, detail in fields(status):
            if number != 3:
                continue
            packed = any_pb2.Any.FromString(detail)
            if packed.type_url.endswith("google.rpc.ErrorInfo"):
                found = [text.decode() for number, text in fields(packed.value) if number == 1]
        return found[0] if found else ""
    return ""


def fields(message):
    """(number, bytes) of the length-delimited fields of a serialised message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            varint()
        elif key & 7 == 2:
            size = varint()
            yield key >> 3, message[at:at + size]
            at += size
        else:
            return


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="headscope-wire-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def server(self, *flags, data=None):
        server = wire.Server(data or self.scratch / "data", *flags).start()
        self.addCleanup(server.stop)
        return server

    def client(self, server):
        client = wire.Client(server)
        self.addCleanup(client.close)
        return client

    def worker(self, server, name, models=("one", "two"), **options):
        worker = wire.PlayedWorker(server, name, models, **options)
        self.addCleanup(worker.stop)
        return worker

    def known(self, client, models=2):
        wait_for(lambda: len(client.models.ListModels(wire.models_pb.ListModelsRequest()).models) == models, 30,
                 "catalogue")

    def ended(self, client, name, seconds=60):
        return wait_for(lambda: (job := client.job(name)).state in wire.ENDED and job, seconds, f"{name} ended")

    def refused(self, reason, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(reason_of(caught.exception), reason, caught.exception.details())
        return caught.exception

    def blobs(self, server):
        """Files beneath blobs/ with their sizes, without what is in quarantine."""
        return {path.name: path.stat().st_size for path in (server.data / "blobs").rglob("*")
                if path.is_file() and "quarantine" not in path.parts}

    def assert_whole(self, data):
        done = subprocess.run([wire.BIN / "headscope-server", "check", "--data-dir", data], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class LeakTest(Case):
    def test_refused_submissions_leave_no_file(self):
        server = self.server()
        client = self.client(server)
        self.worker(server, "w").start()
        self.known(client)
        before = self.blobs(server)
        for index in range(5):
            samples = wire.make_samples(50, index)
            self.refused("MODEL_NOT_FOUND", lambda: client.submit("three", samples=samples))
            self.refused("MODEL_NOT_FOUND", lambda: client.submit("on" + "e" * index + "x", samples=samples))
            long = wire.make_samples(1, 1)
            long[0].input.pair.response = ""
            self.refused("INVALID_FIELDS", lambda: client.submit("one", samples=samples + long))
        wait_for(lambda: self.blobs(server) == before, 30, "refused samples gone")

    def test_uploads_given_up_leave_no_file(self):
        server = self.server()
        client = self.client(server)

        def cut_off():
            yield wire.datasets_pb.UploadDatasetRequest(header=wire.dataset_pb2.Dataset(display_name="x"))
            yield wire.datasets_pb.UploadDatasetRequest(
                batch=wire.dataset_pb2.SampleBatch(samples=wire.make_samples(500, 3)))
            raise ConnectionError("the client dies")

        for _ in range(5):
            with self.assertRaises(grpc.RpcError):
                client.datasets.UploadDataset(cut_off(), timeout=10)
        wait_for(lambda: not self.blobs(server), 30, "cut uploads gone")

    def test_results_after_a_cancel_leave_no_file(self):
        server = self.server()
        client = self.client(server)
        reached, go_on = threading.Event(), threading.Event()

        def hold(*_):
            reached.set()
            go_on.wait(30)

        worker = self.worker(server, "w")
        worker.on_score = hold
        worker.start()
        self.known(client)
        dataset = client.upload(wire.make_samples(20, 1))
        job = client.submit("one", dataset=dataset.name)
        self.assertTrue(reached.wait(30))
        before = self.blobs(server)
        client.cancel(job.name)
        go_on.set()
        self.assertEqual(self.ended(client, job.name).state, job_pb2.Job.CANCELLED)
        wait_for(lambda: self.blobs(server) == before, 30, "late results gone")

    def test_deleted_jobs_give_their_bytes_back(self):
        server = self.server()
        client = self.client(server)
        self.worker(server, "w").start()
        self.known(client)
        dataset = client.upload(wire.make_samples(2000, 1))
        before = self.blobs(server)
        jobs = [client.submit(model, dataset=dataset.name).name for model in ("one", "two")]
        for name in jobs:
            self.assertEqual(self.ended(client, name).state, job_pb2.Job.SUCCEEDED)
        self.assertGreater(len(self.blobs(server)), len(before))
        for name in jobs:
            client.delete(name)
        wait_for(lambda: self.blobs(server) == before, 30, "planes gone")
        self.assert_whole(server.data)


class WorkTest(Case):
    def test_a_failed_job_is_retried_and_keeps_its_shards(self):
        server = self.server()
        client = self.client(server)
        failing = threading.Event()
        failing.set()
        seen = []

        def fail_later(_, stub, ids, shard):
            seen.append((shard.lease.shard, failing.is_set()))
            if failing.is_set() and len(seen) > 3:
                stub.FailShard(worker_pb.FailShardRequest(
                    lease=shard.lease, failure=job_pb2.Failure(reason="INTERNAL", message="played"), **ids), timeout=10)
                return "failed"
            return None

        worker = self.worker(server, "w")
        worker.on_score = fail_later
        worker.start()
        self.known(client)
        dataset = client.upload(wire.make_samples(3000, 1))
        job = client.submit("one", dataset=dataset.name)
        failed = self.ended(client, job.name)
        self.assertEqual((failed.state, failed.failure.reason), (job_pb2.Job.FAILED, "INTERNAL"))
        done = [shard for shard, _ in seen[:3]]
        failing.clear()
        again = client.jobs.RetryJob(jobs_pb.RetryJobRequest(name=job.name), timeout=10).job
        self.assertEqual(again.name, failed.name)
        self.assertGreater(again.progress.samples_done, 0, "finished shards are kept")
        self.assertEqual(self.ended(client, job.name).state, job_pb2.Job.SUCCEEDED)
        self.assertEqual(len(client.check_result(job.name, "one")), 3000)
        for shard in done:
            self.assertEqual(sum(s == shard for s, _ in seen), 1, "a finished shard is not computed again")

    def test_one_worker_with_another_content_does_not_fail_the_job(self):
        server = self.server()
        client = self.client(server)

        def changed(_, stub, ids, shard):
            stub.FailShard(worker_pb.FailShardRequest(
                lease=shard.lease, failure=job_pb2.Failure(reason="MODEL_CHANGED", message="other bytes"), **ids),
                timeout=10)
            return "failed"

        bad = self.worker(server, "bad")
        bad.on_score = changed
        bad.start()
        self.known(client)
        job = client.submit("one", samples=wire.make_samples(30, 1))
        time.sleep(1)
        self.assertNotIn(client.job(job.name).state, wire.ENDED)
        self.worker(server, "good").start()
        ended = self.ended(client, job.name)
        self.assertEqual(ended.state, job_pb2.Job.SUCCEEDED, ended.failure)
        client.check_result(job.name, "one")

    def test_a_second_worker_of_a_living_id_is_refused(self):
        server = self.server()
        client = self.client(server)
        worker = self.worker(server, "twin").start()
        self.known(client)
        job = client.submit("one", samples=wire.make_samples(200, 1))
        channel = grpc.insecure_channel(server.addresses["worker_listen"])
        self.addCleanup(channel.close)
        twin = wire.PlayedWorker(server, "twin", ("one",))
        error = self.refused("WORKER_ID_IN_USE", lambda: twin.open(wire.worker_grpc.WorkerServiceStub(channel)))
        self.assertIn("twin", error.details())
        self.assertEqual(self.ended(client, job.name).state, job_pb2.Job.SUCCEEDED)
        self.assertFalse(worker.errors)

    def test_jobs_that_only_wait_for_their_tokens_count_as_waiting(self):
        server = self.server("--max-queued-jobs", "3")
        client = self.client(server)
        hold = threading.Event()
        worker = self.worker(server, "w")
        worker.on_score = lambda *_: hold.wait(60) and None
        self.addCleanup(hold.set)
        worker.start()
        self.known(client)
        first = client.submit("one", samples=wire.make_samples(5, 1)).name
        wait_for(lambda: client.job(first).state == job_pb2.Job.RUNNING, 30, "the first is being scored")
        names = [client.submit("two", samples=wire.make_samples(5, index + 2)).name for index in range(3)]
        self.refused("QUEUE_FULL", lambda: client.submit("two", samples=wire.make_samples(5, 9)))
        for name in names:
            self.assertIn(client.job(name).state, (job_pb2.Job.QUEUED, job_pb2.Job.PREPARING))


class StartTest(Case):
    def filled(self):
        """A stopped server's folder with a job's result and an older copy of its database."""
        server = self.server()
        client = self.client(server)
        self.worker(server, "w").start()
        self.known(client)
        first = client.submit("one", samples=wire.make_samples(30, 1)).name
        self.ended(client, first)
        database = server.data / "headscope.sqlite"
        server.stop()
        shutil.copy(database, self.scratch / "older.sqlite")
        server.start()
        client = self.client(server)
        jobs = [first] + [client.submit("two", samples=wire.make_samples(40, seed)).name for seed in range(2, 8)]
        for name in jobs:
            self.assertEqual(self.ended(client, name).state, job_pb2.Job.SUCCEEDED)
        server.stop()
        return server, jobs

    def assert_readable(self, server, jobs):
        server.start()
        client = self.client(server)
        for name, model in zip(jobs, ["one"] + ["two"] * 9):
            client.check_result(name, model)
        server.stop()
        self.assert_whole(server.data)

    def refuses_to_start(self, server):
        before = self.blobs(server)
        done = subprocess.run([wire.BIN / "headscope-server", "--data-dir", server.data, "--listen", "127.0.0.1:0",
                               "--worker-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(self.blobs(server), before, "a refused start touches nothing")
        return done.stderr

    def test_an_older_database_is_refused_and_the_right_one_has_everything(self):
        server, jobs = self.filled()
        database = server.data / "headscope.sqlite"
        shutil.move(database, self.scratch / "right.sqlite")
        shutil.copy(self.scratch / "older.sqlite", database)
        self.assertIn("--accept-older-database", self.refuses_to_start(server))
        shutil.copy(self.scratch / "right.sqlite", database)
        self.assert_readable(server, jobs)

    def test_an_accepted_older_database_puts_aside_what_it_does_not_know(self):
        server, jobs = self.filled()
        database = server.data / "headscope.sqlite"
        shutil.move(database, self.scratch / "right.sqlite")
        shutil.copy(self.scratch / "older.sqlite", database)
        flags, server.flags = server.flags, ["--accept-older-database", "--quarantine-unknown-blobs"]
        server.start()
        self.client(server).check_result(jobs[0], "one")
        server.stop()
        shutil.copy(self.scratch / "right.sqlite", database)
        server.flags = ["--accept-older-database"]
        server.start()
        server.stop()
        server.flags = flags
        self.assert_readable(server, jobs)

    def test_an_absent_database_is_refused(self):
        server, jobs = self.filled()
        database = server.data / "headscope.sqlite"
        shutil.move(database, self.scratch / "right.sqlite")
        self.refuses_to_start(server)
        self.assertFalse(database.exists() and sqlite3.connect(database).execute(
            "SELECT COUNT(*) FROM sqlite_master").fetchone()[0], "no empty database takes its place")
        shutil.copy(self.scratch / "right.sqlite", database)
        self.assert_readable(server, jobs)

    def test_a_database_of_another_store_is_refused(self):
        server, jobs = self.filled()
        other = self.server(data=self.scratch / "other")
        other.stop()
        database = server.data / "headscope.sqlite"
        shutil.move(database, self.scratch / "right.sqlite")
        shutil.copy(other.data / "headscope.sqlite", database)
        server.flags = ["--accept-older-database"]
        self.refuses_to_start(server)
        server.flags = []
        shutil.copy(self.scratch / "right.sqlite", database)
        self.assert_readable(server, jobs)

    def test_a_backup_under_load_opens_elsewhere_with_every_result(self):
        server = self.server()
        client = self.client(server)
        self.worker(server, "w").start()
        self.known(client)
        jobs = [client.submit("one", samples=wire.make_samples(50, seed)).name for seed in range(10)]
        ended = {name for name in jobs if client.job(name).state == job_pb2.Job.SUCCEEDED}
        target = self.scratch / "backup"
        done = subprocess.run([wire.BIN / "headscope-server", "backup", "--data-dir", server.data, target],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in jobs:
            self.ended(client, name)
        for name in jobs:
            client.delete(name)
        self.assert_whole(target)
        copy = self.server(data=target)
        copied = self.client(copy)
        self.worker(copy, "other").start()
        for name in jobs:
            self.assertEqual(self.ended(copied, name).state, job_pb2.Job.SUCCEEDED)
            copied.check_result(name, "one")
        self.assertLessEqual(ended, set(jobs))


if __name__ == "__main__":
    unittest.main()
