"""A sweep as a user runs it: models x files as one operation, over kill -9 of the server, retried, compared."""

import json

from harness import Case, wait_for

ROWS = 600


class SweepTest(Case):
    def files(self, *names, rows=ROWS):
        return [self.random_rows(f"{name}.jsonl", rows, seed=seed) for seed, name in enumerate(names)]

    def submit(self, server, models, *files):
        submitted = server.cli("--format", "json", "sweep", "--models", models, "--data", *files, "--detach")
        return self.assert_ok(submitted).json["sweep"]

    def show(self, server, sweep):
        """What there is of it now."""
        return self.assert_ok(server.cli("--format", "json", "sweep", sweep, "--detach")).json

    def finish(self, server, sweep):
        return self.assert_ok(server.cli("--format", "json", "sweep", sweep, timeout=600)).json

    def pattern(self, server, job):
        return self.assert_ok(server.cli("--format", "json", "result", job)).json["pattern"]

    def test_cells_are_what_attribute_computes(self):
        copy, sort = self.files("copy", "sort", rows=20)
        server = self.server().start()
        run = self.assert_ok(server.cli("--format", "json", "sweep", "--models", "llama,gpt2", "--data", copy, sort,
                                        "--task", "Copying,Sorting", "--label", "run=7"))
        self.assertIn("4/4 cells", run.err)
        sweep = run.json
        self.assertEqual(sweep["state"], "SUCCEEDED")
        self.assertEqual([(cell["model"], cell["task"]) for cell in sweep["cells"]],
                         [("llama", "Copying"), ("llama", "Sorting"), ("gpt2", "Copying"), ("gpt2", "Sorting")])
        alone = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data", sort)).json
        self.assertEqual(self.pattern(server, sweep["cells"][1]["job"]), alone["pattern"])
        # Labels of the cell, of the sweep and of the user, on job and pattern.
        labels = {"sweep": sweep["sweep"], "task": "Sorting", "checkpoint": "llama", "run": "7"}
        flags = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
        for command, key in (("jobs", "job"), ("patterns", "pattern")):
            found = self.assert_ok(server.cli("--format", "json", command, *flags)).json[command]
            self.assertEqual([item[key] for item in found], [sweep["cells"][1][key]])
        # The two models are not comparable: one matrix each, with compare's numbers.
        self.assertEqual([comparison["cells"] for comparison in sweep["comparisons"]], [[0, 1], [2, 3]])
        self.assertIsNone(sweep["comparison"])
        self.assertIn("2 shapes or architectures", run.err)
        patterns = [cell["pattern"] for cell in sweep["cells"][:2]]
        compared = self.assert_ok(server.cli("--format", "json", "compare", *patterns)).json
        self.assertEqual(sweep["comparisons"][0]["patterns"], compared["patterns"])
        for measure in ("pearson", "spearman"):
            self.assertEqual(sweep["comparisons"][0][measure], compared[measure])
            self.assertEqual(sweep["comparisons"][0]["layer_means_removed"][measure],
                             compared["layer_means_removed"][measure])
        table = self.assert_ok(server.cli("sweep", sweep["sweep"])).out
        self.assertIn("[1] Sorting  llama", table)
        listed = self.assert_ok(server.cli("--format", "json", "sweeps", "--label", "run=7")).json["sweeps"]
        self.assertEqual([item["sweep"] for item in listed], [sweep["sweep"]])

    def test_patterns_of_key_value_heads_are_grouped_by_their_own_shape(self):
        data = self.files("copy", rows=12)
        server = self.server().start()
        flags = ("--head-axis", "kv", "--allow-different-models")
        run = server.cli("--format", "json", "sweep", "--models", "llama,gpt2", "--data", *data, *flags)
        sweep = self.assert_ok(run).json
        heads = {}
        for pattern in self.assert_ok(server.cli("--format", "json", "patterns")).json["patterns"]:
            described = self.assert_ok(server.cli("--format", "json", "describe", pattern["id"])).json
            self.assertEqual((pattern["layers"], pattern["heads"]), (described["layers"], described["heads"]))
            heads[pattern["model"]["name"]] = pattern["heads"]
        self.assertNotEqual(heads["llama"], heads["gpt2"])
        self.assertEqual(sweep["comparisons"], [], "nothing is of one shape")

    def test_server_killed_in_the_middle(self):
        files = self.files("a", "b", "c")
        undisturbed = self.server(name="reference").start()
        wanted = self.finish(undisturbed, self.submit(undisturbed, "llama,gpt2", *files))
        wanted_patterns = [self.pattern(undisturbed, cell["job"]) for cell in wanted["cells"]]
        undisturbed.stop()

        server = self.server().start()
        sweep = self.submit(server, "llama,gpt2", *files)
        jobs = [cell["job"] for cell in self.show(server, sweep)["cells"]]
        following = server.spawn_cli("--format", "json", "sweep", sweep)
        states = []
        for done in range(3):
            wait_for(lambda: self.show(server, sweep)["counts"]["succeeded"] >= done, 120, f"{done} cells done")
            before = self.show(server, sweep)
            states.append(before["state"])
            server.kill()
            server.restart()
            self.assertGreaterEqual(self.show(server, sweep)["counts"]["succeeded"], before["counts"]["succeeded"],
                                    "cells that are done stay done")
        self.assertIn("RUNNING", states, "it was killed in the middle")
        ended = self.finish(server, sweep)
        out, err = following.communicate(timeout=120)
        self.assertEqual(following.returncode, 0, err)
        self.assertEqual(json.loads(out)["comparisons"], ended["comparisons"])
        self.assertEqual([cell["job"] for cell in ended["cells"]], jobs, "every cell keeps its job")
        self.assertEqual([self.pattern(server, job) for job in jobs], wanted_patterns)
        for found, expected in zip(ended["comparisons"], wanted["comparisons"], strict=True):
            self.assertEqual(found["pearson"], expected["pearson"])

    def test_cancelled_and_retried(self):
        files = self.files("a", "b", "c")
        server = self.server().start()
        sweep = self.submit(server, "llama", *files)
        wait_for(lambda: self.show(server, sweep)["counts"]["succeeded"] > 0, 120, "a cell done")
        self.assert_ok(server.cli("sweep", sweep, "--cancel"))
        wait_for(lambda: self.show(server, sweep)["state"] != "RUNNING", 60, "cancelled")
        before = self.show(server, sweep)
        if before["state"] == "SUCCEEDED":
            self.skipTest("the sweep was done before it could be cancelled")
        ended = server.cli("sweep", sweep)
        self.assertEqual(ended.status, 1)
        self.assertIn(f"sweep {sweep} --retry", ended.err)
        after = self.assert_ok(server.cli("--format", "json", "sweep", sweep, "--retry")).json
        self.assertEqual(after["state"], "SUCCEEDED")
        for old, new in zip(before["cells"], after["cells"], strict=True):
            self.assertEqual(old["job"], new["job"], "a retried cell keeps its job")
        self.assertEqual(after["comparison"]["cells"], [0, 1, 2])
        self.assert_ok(server.cli("delete", sweep))
        self.assertEqual(self.assert_ok(server.cli("--format", "json", "jobs")).json["jobs"], [])
        self.assertEqual(server.cli("sweep", sweep).status, 4)

    def test_deleted_jobs_change_no_state_and_a_deleted_dataset_is_named_until_it_is_back(self):
        copy, sort = self.files("copy", "sort", rows=12)
        server = self.server().start()
        sweep = self.finish(server, self.submit(server, "llama", copy, sort))
        cell = sweep["cells"][1]
        self.assert_ok(server.cli("delete", cell["job"]))
        server.kill()
        server.restart()
        after = server.cli("--format", "json", "sweep", sweep["sweep"])
        self.assertEqual((after.status, after.json["state"]), (0, "SUCCEEDED"), after.err)
        self.assertEqual((after.json["cells"][1]["state"], after.json["counts"]["deleted"]), ("DELETED", 1))
        self.assertEqual((after.json["start_time"], after.json["end_time"]), (sweep["start_time"], sweep["end_time"]))
        self.assertIn("sort on llama: its job was deleted", after.err)
        self.assert_ok(server.cli("delete", f"datasets/{cell['dataset']}"))
        refused = server.cli("sweep", sweep["sweep"], "--retry")
        self.assertEqual(refused.status, 4)
        self.assertIn(f"datasets/{cell['dataset']} of sort on llama was deleted", refused.err)
        self.assertIn("headscope attribute --model NAME --data FILE", refused.err)
        self.assert_ok(server.cli("attribute", "--model", "gpt2", "--data", sort))
        retried = self.assert_ok(server.cli("--format", "json", "sweep", sweep["sweep"], "--retry")).json
        self.assertEqual([cell["state"] for cell in retried["cells"]], ["SUCCEEDED", "SUCCEEDED"])
        self.assertEqual(retried["comparison"]["pearson"], sweep["comparison"]["pearson"])

    def test_rows_that_one_model_cannot_take_fail_its_cell_alone(self):
        good, bad = self.rows("good.jsonl", [{"token_ids": [1, 2, 3], "prompt_tokens": 1}]), self.rows(
            "bad.jsonl", [{"token_ids": [1, 10 ** 6, 3], "prompt_tokens": 1}])
        server = self.server().start()
        run = server.cli("--format", "json", "sweep", "--models", "llama", "--data", good, bad)
        self.assertEqual(run.status, 2, run.err)
        self.assertIn("bad on llama: job", run.err)
        self.assertIn("INVALID_SAMPLES", run.err)
        self.assertEqual([cell["state"] for cell in run.json["cells"]], ["SUCCEEDED", "FAILED"])
        self.assertEqual(run.json["cells"][1]["failure"]["reason"], "INVALID_SAMPLES")

    def test_every_fault_is_found_before_anything_is_made(self):
        good = self.rows("good.jsonl", [{"token_ids": [1, 2, 3], "prompt_tokens": 1}])
        server = self.server().start()
        self.assertEqual(server.cli("sweep", "--models", "none-*", "--data", good).status, 4)
        broken = server.cli("sweep", "--models", "*", "--data", good, self.rows("bad.jsonl", [{"text": 7}]))
        self.assertEqual(broken.status, 2)
        self.assertIn("bad.jsonl:1:", broken.err)
        self.assertEqual(self.assert_ok(server.cli("--format", "json", "jobs")).json["jobs"], [])
        self.assertEqual(self.assert_ok(server.cli("--format", "json", "datasets")).json["datasets"], [])


if __name__ == "__main__":
    import unittest
    unittest.main()
