"""Backups, checks, and starts with the wrong database: no result is lost by any of them."""

import json
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

from harness import BIN, Case


def program(*arguments, env=None):
    return subprocess.run([str(BIN / "headscope-server"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, env=os.environ | (env or {}))


class BackupTest(Case):
    def attribute(self, server, seed, count=12):
        rows = self.random_rows(f"rows{seed}.jsonl", count, seed=seed, longest=20)
        return self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data", rows)).json

    def refused(self, *flags):
        done = program("--data-dir", self.scratch / "data", "--listen", "127.0.0.1:0", "--worker-listen", "127.0.0.1:0",
                       "--metrics-listen", "127.0.0.1:0", *flags)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def faults(self, folder):
        done = program("check", "--data-dir", folder, "--format", "json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if report["ok"] else 1, done.stderr)
        return sorted(fault["kind"] for fault in report["faults"])

    def test_taken_under_load_and_opened_elsewhere(self):
        server = self.server().start()
        jobs = [self.attribute(server, seed) for seed in range(3)]
        stop = threading.Event()
        failed = []

        def churn():
            seed = 100
            while not stop.is_set():
                seed += 1
                try:
                    job = self.attribute(server, seed, count=40)["job"]
                    self.assert_ok(server.cli("delete", job))
                except AssertionError as error:
                    failed.append(error)
                    return

        churning = threading.Thread(target=churn)
        churning.start()
        try:
            for index in range(6):
                target = self.scratch / f"backup{index}"
                done = program("backup", "--data-dir", server.data, target)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.faults(target), [])
                self.assertEqual(self.faults(server.data), [])
        finally:
            stop.set()
            churning.join()
        self.assertEqual(failed, [])
        server.stop()
        shutil.rmtree(server.data)
        restored = self.server("--local-workers", "0", name="backup5").start()
        for job in jobs:
            found = self.assert_ok(restored.cli("--format", "json", "result", job["job"])).json
            self.assertEqual(found["pattern"], job["pattern"])

    def test_killed_it_leaves_the_source_whole_and_a_target_that_is_refused(self):
        server = self.server().start()
        self.attribute(server, 1)
        server.stop()
        for place in ("backup.linked", "backup.copied"):
            with self.subTest(place):
                target = self.scratch / place
                killed = program("backup", "--data-dir", server.data, target, env={"HEADSCOPE_FAILPOINT": f"{place}:kill"})
                self.assertEqual(killed.returncode, -9)
                self.assertEqual(self.faults(server.data), [])
                self.assertIn("BACKUP_UNFINISHED", self.faults(target))
                again = program("backup", "--data-dir", server.data, target)
                self.assertEqual(again.returncode, 2)
                self.assertIn("not an empty directory", again.stderr)
                started = program("--data-dir", target, "--listen", "127.0.0.1:0", "--worker-listen", "127.0.0.1:0",
                                  "--metrics-listen", "127.0.0.1:0", "--accept-older-database")
                self.assertEqual(started.returncode, 2)
                self.assertIn("did not come to its end", started.stderr)
        named = self.scratch / "named"
        program("backup", "--data-dir", server.data, named, env={"HEADSCOPE_FAILPOINT": "backup.named:kill"})
        self.assertEqual(self.faults(named), [])

    def test_an_older_foreign_or_absent_database_is_refused(self):
        server = self.server().start()
        self.attribute(server, 1)
        server.stop()
        database = server.data / "headscope.sqlite"
        older = self.scratch / "older.sqlite"
        shutil.copy(database, older)
        server.start()
        job = self.attribute(server, 2)
        running = self.scratch / "running"
        self.assertEqual(program("backup", "--data-dir", server.data, running).returncode, 0)
        server.stop()
        newest = self.scratch / "newest.sqlite"
        shutil.copy(database, newest)
        blobs = sorted(path.name for path in (server.data / "blobs").rglob("*"))

        for copy in (older, running / "headscope.sqlite"):
            shutil.copy(copy, database)
            self.assertIn("older than its data folder", self.refused())
            self.assertEqual(self.faults(server.data)[0], "DATABASE_OLDER")
        database.unlink()
        self.assertIn("has no database", self.refused())
        self.assertFalse(database.exists())
        database.touch()
        self.assertIn("has no database", self.refused())
        (server.data / "store.json").rename(self.scratch / "store.json")
        self.assertIn("has no database", self.refused())
        (self.scratch / "store.json").rename(server.data / "store.json")
        other = self.server("--local-workers", "0", name="other").start()
        other.stop()
        shutil.copy(other.data / "headscope.sqlite", database)
        self.assertIn("is of store", self.refused())
        self.assertIn("is of store", self.refused("--accept-older-database"))
        shutil.copy(newest, database)
        self.assertEqual(sorted(path.name for path in (server.data / "blobs").rglob("*")), blobs)
        server.start()
        found = self.assert_ok(server.cli("--format", "json", "result", job["job"])).json
        self.assertEqual(found["pattern"], job["pattern"])
        server.stop()

        shutil.copy(older, database)
        accepted = self.server("--local-workers", "0", "--accept-older-database").start()
        accepted.stop()
        self.server("--local-workers", "0").start().stop()

    def test_a_kill_between_database_and_folder_is_no_false_alarm(self):
        server = self.server("--local-workers", "0").start()
        server.stop()
        killed = program("--data-dir", server.data, env={"HEADSCOPE_FAILPOINT": "mark.between:kill"})
        self.assertEqual(killed.returncode, -9)
        self.assertEqual(self.faults(server.data), [])
        server.start().stop()

    def test_every_fault_is_named(self):
        server = self.server().start()
        self.attribute(server, 1)
        self.attribute(server, 2, count=13)
        server.stop()
        folder = pathlib.Path(server.data)
        blobs = sorted(path for path in (folder / "blobs").glob("??/*"))
        blobs[0].unlink()
        blobs[1].write_bytes(b"x" * blobs[1].stat().st_size)
        blobs[2].write_bytes(blobs[2].read_bytes() + b"x")
        (folder / "notes.txt").write_text("mine")
        stray = folder / "blobs" / "ab"
        stray.mkdir(exist_ok=True)
        (stray / ("ab" * 32)).write_bytes(b"stray")
        import sqlite3
        database = sqlite3.connect(folder / "headscope.sqlite")
        database.execute("UPDATE job SET samples_done = samples_done - 1 WHERE number = 1")
        database.commit()
        database.close()
        self.assertEqual(self.faults(folder), ["BLOB_DAMAGED", "BLOB_MISSING", "BLOB_SIZE", "UNKNOWN_FILE", "UNKNOWN_FILE",
                                               "WRONG_COUNTER"])
        target = self.scratch / "target"
        self.assertEqual(program("backup", "--data-dir", folder, target).returncode, 1)
        self.assertFalse(target.exists())


if __name__ == "__main__":
    unittest.main()
