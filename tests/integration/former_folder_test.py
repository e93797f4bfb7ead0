"""A data folder that a former version left behind: everything in it is there, and goes on, under this version.

former/VERSION.tar.xz was made by that version's own programs (former/make_folder.py) and VERSION.json is what they said of
it. The folder is of a server that was killed in the middle of a job.
"""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tarfile
import unittest

from harness import BIN, SOURCE, Case

FORMER = pathlib.Path(__file__).resolve().parent / "former"


def program(*arguments):
    return subprocess.run([str(BIN / "headscope-server"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=120)


def kept(found, wanted, path=""):
    """Paths of what `wanted` says and `found` does not: keys that have come since are no difference."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [path]
        return [fault for key, value in wanted.items()
                for fault in (kept(found[key], value, f"{path}/{key}") if key in found else [f"{path}/{key}"])]
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return [path]
        return [fault for index, value in enumerate(wanted) for fault in kept(found[index], value, f"{path}/{index}")]
    return [] if found == wanted else [f"{path}: {found!r}, not {wanted!r}"]


class FormerFolderTest(Case):
    version = "0.1.0"

    def setUp(self):
        super().setUp()
        shutil.copytree(SOURCE / "deploy/demo/models/demo", self.models / "demo")
        with tarfile.open(FORMER / f"{self.version}.tar.xz") as archive:
            archive.extractall(self.scratch, filter="data")
        self.data = self.scratch / "data"
        self.expected = json.loads((FORMER / f"{self.version}.json").read_text())

    def json(self, *arguments):
        return self.assert_ok(self.running.cli("--format", "json", *arguments)).json

    def assert_kept(self, found, wanted):
        # What depends on the moment, or on workers, is not part of what was stored. A job's start was its first lease of
        # any kind and is its first SCORE lease now.
        moving = {"blocked_reason", "eta_seconds", "attempts", "start_time"}

        def still(value):
            if isinstance(value, dict):
                return {key: still(inner) for key, inner in value.items() if key not in moving}
            return [still(inner) for inner in value] if isinstance(value, list) else value

        self.assertEqual(kept(still(found), still(wanted)), [])

    def assert_whole(self):
        done = program("check", "--data-dir", self.data, "--format", "json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(json.loads(done.stdout)["ok"])

    def assert_whole_but_for_waste(self, folder):
        """Before a server of this version starts: one that was killed may leave blobs that it had not recorded yet."""
        done = program("check", "--data-dir", folder, "--format", "json")
        self.assertEqual({fault["kind"] for fault in json.loads(done.stdout)["faults"]}, {"UNKNOWN_FILE"}, done.stderr)

    def assert_as_it_was(self):
        unfinished = self.expected["unfinished"]
        others = [job for job in self.expected["jobs"]["jobs"] if job["job"] != unfinished]
        found = {job["job"]: job for job in self.json("jobs")["jobs"]}
        self.assertEqual(set(found), {job["job"] for job in others} | {unfinished})
        for job in others:
            self.assert_kept(found[job["job"]], job)
        for kind in ("sweeps", "datasets"):
            self.assert_kept(self.json(kind), self.expected[kind])
        for pattern, exported in self.expected["exports"].items():
            path = self.scratch / "export.json"
            self.assert_ok(self.running.cli("export", pattern, "-o", path))
            self.assert_kept(json.loads(path.read_text()), exported)
        for job, result in self.expected["results"].items():
            self.assert_kept(self.json("result", job, "--samples"), result)
        for job, result in self.expected["tokens"].items():
            self.assert_kept(self.json("result", job, "--samples", "--tokens"), result)

    def request_ids(self):
        database = sqlite3.connect(f"file:{self.data}/headscope.sqlite?mode=ro", uri=True)
        try:
            return sorted(map(list, database.execute("SELECT kind, request_id, id FROM request")))
        finally:
            database.close()

    def test_everything_is_kept_and_the_unfinished_job_ends(self):
        self.running = self.server("--local-workers", "1", "--worker-threads", "1").start()
        self.assertTrue((self.data / "headscope.sqlite.schema-6.bak").exists())
        unfinished = self.expected["unfinished"]
        before = next(job for job in self.expected["jobs"]["jobs"] if job["job"] == unfinished)
        self.assert_as_it_was()
        self.assertEqual([[kind, name, identity] for kind, name, identity in self.request_ids()],
                         sorted(self.expected["requests"]))
        self.assert_ok(self.running.cli("watch", unfinished))
        after = self.json("job", unfinished)
        self.assertEqual((after["state"], after["samples_done"]), ("SUCCEEDED", before["samples_total"]))
        again = self.json("attribute", "--model", "llama", "--data",
                          self.random_rows("unfinished.jsonl", 1500, seed=5, longest=60), "--batch-tokens", "256")
        self.assert_kept(self.json("result", unfinished)["pattern"], again["pattern"])
        self.assert_whole()
        self.running.stop()
        self.assert_whole()

    def test_a_dry_run_changes_nothing_and_a_migration_keeps_a_copy(self):
        stored = (self.data / "headscope.sqlite").read_bytes()
        dry = program("migrate", "--data-dir", self.data, "--dry-run")
        self.assertEqual(dry.returncode, 0, dry.stderr)
        self.assertIn("schema 6 to", dry.stdout)
        self.assertEqual((self.data / "headscope.sqlite").read_bytes(), stored)
        self.assertFalse((self.data / "migrate-dry-run").exists())
        self.assert_whole_but_for_waste(self.data)
        done = program("migrate", "--data-dir", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.data / "headscope.sqlite.schema-6.bak").stat().st_mode & 0o777, 0o600)
        self.assertIn("nothing to do", program("migrate", "--data-dir", self.data).stdout)
        self.assert_whole_but_for_waste(self.data)
        self.running = self.server("--local-workers", "0").start()
        self.assertEqual(program("migrate", "--data-dir", self.data).returncode, 2)
        self.assert_as_it_was()

    def test_a_migration_killed_anywhere_is_made_good_by_the_next(self):
        for place in ("migration.copied", "store.before_commit", "store.after_commit", "migration.done", "mark.between"):
            with self.subTest(place):
                folder = self.scratch / place
                shutil.copytree(self.data, folder)
                killed = subprocess.run([str(BIN / "headscope-server"), "migrate", "--data-dir", str(folder)],
                                        env=os.environ | {"HEADSCOPE_FAILPOINT": f"{place}:kill"}, timeout=120)
                self.assertEqual(killed.returncode, -9)
                done = program("migrate", "--data-dir", folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_whole_but_for_waste(folder)


if __name__ == "__main__":
    unittest.main()
