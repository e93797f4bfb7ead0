"""Makes a data folder with a former version's own programs, for former_folder_test.py: HEADSCOPE_BIN names them.

  HEADSCOPE_BIN=/path/of/0.1.0/bin HEADSCOPE_SOURCE=. python3 tests/integration/former/make_folder.py 0.1.0

writes 0.1.0.tar.xz (the folder, as a server left it that was killed in the middle of a job) and 0.1.0.json (what that
version's command line said of it) beside this file. Done once per version; the files are never made anew.
"""

import json
import pathlib
import shutil
import signal
import sqlite3
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import SOURCE, Case, wait_for  # noqa: E402

BROKEN = [{"id": "good", "token_ids": [1, 2, 3, 4], "prompt_tokens": 2},
          {"id": "unknown-token", "token_ids": [1, 2, 99999, 4], "prompt_tokens": 2},
          {"id": "also-good", "token_ids": [5, 6, 7, 8, 9], "prompt_tokens": 3}]


class Maker(Case):
    def json(self, *arguments):
        return self.assert_ok(self.running.cli("--format", "json", *arguments)).json

    def attribute(self, rows, *flags, model="llama"):
        return self.json("attribute", "--model", model, "--data", rows, *flags)["job"]

    def fill(self):
        rows = self.random_rows("rows.jsonl", 24, longest=30)
        text = self.scratch / "copy.jsonl"
        text.write_text("".join((SOURCE / "deploy/demo/samples/copy.jsonl").read_text().splitlines(True)[:12]))
        named = self.attribute(rows, "--label", "task=random", "--label", "run=first")
        self.attribute(rows, "--dtype", "float64", "--positions", "prompt", model="gpt2")
        self.attribute(rows, "--script-batch", "4", "--absolute", "per-token", "--layer-norm", "l2")
        self.attribute(rows, "--head-axis", "kv", "--loss-scale", "sum")
        self.attribute(text, "--tokens", "--append-eos", "false", model="demo")
        broken = self.rows("broken.jsonl", BROKEN)
        self.attribute(broken, "--on-invalid", "skip")
        self.assertNotEqual(self.running.cli("attribute", "--model", "llama", "--data", broken).status, 0)
        cancelled = self.json("attribute", "--model", "llama", "--data",
                              self.random_rows("long.jsonl", 400, seed=3), "--detach")["job"]
        self.assert_ok(self.running.cli("cancel", cancelled))
        sweep = self.json("sweep", "--models", "llama,gpt2", "--data", rows, text.with_name("short.jsonl"),
                          "--label", "run=sweep", "--detach")
        return named, sweep

    def runTest(self):
        version = sys.argv[1]
        shutil.copytree(SOURCE / "deploy/demo/models/demo", self.models / "demo")
        self.rows("short.jsonl", BROKEN[:1] + BROKEN[2:])
        self.running = self.server().start()
        named, sweep = self.fill()
        sweep = sweep["sweep"] if isinstance(sweep["sweep"], str) else sweep["sweep"]["sweep"]
        self.assert_ok(self.running.cli("sweep", sweep))
        self.assert_ok(self.running.cli("delete", self.json("sweep", sweep)["cells"][1]["job"]))
        exported = self.scratch / "exported.json"
        self.assert_ok(self.running.cli("export", named, "-o", exported))
        self.assert_ok(self.running.cli("import", exported, "--name", "imported", "--label", "task=import"))
        unfinished = self.json("attribute", "--model", "llama", "--data",
                               self.random_rows("unfinished.jsonl", 1500, seed=5, longest=60), "--batch-tokens", "256",
                               "--label", "task=unfinished", "--detach")["job"]
        wait_for(lambda: self.json("job", unfinished).get("samples_done", 0) > 100, 120, "shards done")
        self.running.process.send_signal(signal.SIGKILL)
        self.running.process.wait()
        data = self.running.data
        database = sqlite3.connect(data / "headscope.sqlite")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        done = database.execute("SELECT id, samples_done, samples_total FROM job WHERE state = 'RUNNING'").fetchall()
        self.assertEqual([row[0] for row in done], [unfinished])
        self.assertTrue(100 < done[0][1] < done[0][2], done)
        requests = [[kind, name, identity] for kind in ("job", "sweep", "pattern") for name, identity in
                    database.execute(f"SELECT request_id, id FROM {kind} WHERE request_id IS NOT NULL ORDER BY id")]
        database.close()
        for name in ("headscope.sqlite-wal", "headscope.sqlite-shm", "lock"):
            (data / name).unlink(missing_ok=True)
        with tarfile.open(HERE / f"{version}.tar.xz", "w:xz") as archive:
            archive.add(data, "data")
        # What it holds is told by the version that made it, without a worker: the unfinished job stays as it is.
        self.running = self.server("--local-workers", "0").start()
        expected = {"jobs": self.json("jobs"), "sweeps": self.json("sweeps"), "patterns": self.json("patterns"),
                    "datasets": self.json("datasets"), "sweep": self.json("sweep", sweep, "--detach"),
                    "unfinished": unfinished, "requests": requests, "results": {}, "tokens": {},
                    "exports": {}}
        jobs = expected["jobs"]["jobs"] if isinstance(expected["jobs"], dict) else expected["jobs"]
        for job in jobs:
            if job["state"] == "SUCCEEDED":
                expected["results"][job["job"]] = self.json("result", job["job"], "--samples")
                tokens = self.running.cli("--format", "json", "result", job["job"], "--samples", "--tokens")
                if tokens.status == 0:
                    expected["tokens"][job["job"]] = tokens.json
        listed = expected["patterns"]["patterns"] if isinstance(expected["patterns"], dict) else expected["patterns"]
        for pattern in listed:
            path = self.scratch / "export.json"
            self.assert_ok(self.running.cli("export", pattern["pattern"], "-o", path))
            expected["exports"][pattern["pattern"]] = json.loads(path.read_text())
        self.assertTrue(expected["tokens"])
        self.running.stop()
        (HERE / f"{version}.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    import unittest
    result = unittest.TextTestRunner().run(Maker())
    sys.exit(not result.wasSuccessful())
