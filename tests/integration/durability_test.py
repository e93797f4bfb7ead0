"""What is acknowledged is never lost: kill -9 of server and worker in the middle of jobs."""

import os
import pathlib
import random
import signal
import time

from harness import Case, wait_for

ROWS = 2500


def children_of(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


class DurabilityTest(Case):
    undisturbed = None

    def submit(self, server, rows):
        return self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data", rows,
                                         "--detach")).json["job"]

    def job(self, server, job):
        return self.assert_ok(server.cli("--format", "json", "job", job)).json

    def finish(self, server, job, seconds=600):
        watched = server.cli("watch", job, timeout=seconds)
        self.assertEqual(watched.status, 0, watched.err)
        return self.assert_ok(server.cli("--format", "json", "result", job, "--samples")).json

    def reference(self, rows):
        """The undisturbed result, computed once for all tests: the rows are the same."""
        if DurabilityTest.undisturbed is None:
            server = self.server(name="reference").start()
            DurabilityTest.undisturbed = self.finish(server, self.submit(server, rows))
            server.stop()
        return DurabilityTest.undisturbed

    def assert_same(self, found, wanted):
        self.assertEqual(found["pattern"], wanted["pattern"])
        self.assertEqual(found["samples"], wanted["samples"])

    def scored_attempts(self, job):
        return [a for a in job["attempts"] if a["phase"] == "SCORE" and a["outcome"] == "COMPLETED"]

    def test_server_killed_at_any_moment(self):
        rows = self.random_rows("rows.jsonl", ROWS)
        wanted = self.reference(rows)
        server = self.server().start()
        job = self.submit(server, rows)
        draw = random.Random(7)
        for _ in range(4):
            time.sleep(draw.uniform(0.1, 1.0))
            before = self.job(server, job)["samples_done"]
            server.kill()
            server.restart()
            self.assertGreaterEqual(self.job(server, job)["samples_done"], before, "acknowledged shards stay done")
        self.assert_same(self.finish(server, job), wanted)
        ended = self.job(server, job)
        shards = [a["shard"] for a in self.scored_attempts(ended)]
        self.assertEqual(len(shards), len(set(shards)), "a finished shard is not done again")

    def test_worker_killed_in_the_middle(self):
        rows = self.random_rows("rows.jsonl", ROWS)
        wanted = self.reference(rows)
        server = self.server("--local-workers", "0").start()
        first = self.worker(server, "first")
        job = self.submit(server, rows)
        wait_for(lambda: self.job(server, job)["samples_done"] > 0, 120, "some samples done")
        first.kill()
        self.worker(server, "second")
        self.assert_same(self.finish(server, job), wanted)
        lost = [a for a in self.job(server, job)["attempts"] if a["outcome"] == "WORKER_LOST"]
        self.assertEqual([a["worker"] for a in lost], ["first"])

    def test_local_worker_killed_is_replaced_at_once(self):
        rows = self.random_rows("rows.jsonl", ROWS)
        wanted = self.reference(rows)
        server = self.server().start()
        job = self.submit(server, rows)
        wait_for(lambda: self.job(server, job)["samples_done"] > 0, 120, "some samples done")
        children = children_of(server.process.pid)
        self.assertEqual(len(children), 1)
        os.kill(children[0], signal.SIGKILL)
        self.assert_same(self.finish(server, job), wanted)

    def test_stalled_worker_is_fenced_off(self):
        rows = self.random_rows("rows.jsonl", ROWS)
        wanted = self.reference(rows)
        server = self.server("--local-workers", "0").start()
        stalled = self.worker(server, "stalled")
        job = self.submit(server, rows)
        wait_for(lambda: self.job(server, job)["samples_done"] > 0, 120, "some samples done")
        stalled.process.send_signal(signal.SIGSTOP)
        try:
            wait_for(lambda: any(a["outcome"] == "WORKER_LOST" for a in self.job(server, job)["attempts"]), 60,
                     "session of the stalled worker ended")
            self.worker(server, "other")
            stalled.process.send_signal(signal.SIGCONT)
            self.assert_same(self.finish(server, job), wanted)
        finally:
            stalled.process.send_signal(signal.SIGCONT)

    def test_acknowledged_submissions_survive(self):
        rows = self.random_rows("rows.jsonl", 50)
        server = self.server("--local-workers", "0").start()
        jobs = {self.submit_offline(server, rows) for _ in range(5)}
        server.kill()
        server.restart()
        listed = {j["job"] for j in self.assert_ok(server.cli("--format", "json", "jobs")).json["jobs"]}
        self.assertLessEqual(jobs, listed)

    def submit_offline(self, server, rows):
        """A worker must have shown its catalogue once; then it may be gone."""
        if not getattr(self, "seen", False):
            worker = self.worker(server, "catalogue")
            wait_for(lambda: server.cli("model", "llama").status == 0, 60, "catalogue known")
            worker.stop()
            self.seen = True
        return self.submit(server, rows)

    def test_sigterm_drains_and_a_restart_goes_on(self):
        rows = self.random_rows("rows.jsonl", ROWS)
        wanted = self.reference(rows)
        server = self.server().start()
        job = self.submit(server, rows)
        wait_for(lambda: self.job(server, job)["samples_done"] > 0, 120, "some samples done")
        self.assertEqual(server.stop(), 0, server.log())
        server.restart()
        self.assert_same(self.finish(server, job), wanted)


if __name__ == "__main__":
    import unittest
    unittest.main()
