"""Bad input: its own clear error and exit status, and nothing half-done."""

import json
import os
import shutil
import struct
import subprocess

from harness import BIN, GOLDEN, Case, Server


class BadInputTest(Case):
    def setUp(self):
        super().setUp()
        self.hostile_models()
        self.up = self.server().start()

    def hostile_models(self):
        source = GOLDEN / "llama"
        for name in ("truncated", "claims100gb", "notfinite", "noheads", "unknown"):
            shutil.copytree(source, self.models / name)
            os.chmod(self.models / name, 0o755)
            for file in (self.models / name).iterdir():
                os.chmod(file, 0o644)
        weights = (source / "model.safetensors").read_bytes()
        (self.models / "truncated/model.safetensors").write_bytes(weights[:-1000])
        (self.models / "claims100gb/model.safetensors").write_bytes(struct.pack("<Q", 100 << 30) + weights[8:])
        broken = bytearray(weights)
        broken[-4:] = struct.pack("<f", float("nan"))
        (self.models / "notfinite/model.safetensors").write_bytes(broken)
        for name, change in (("noheads", lambda c: c.pop("num_attention_heads")),
                             ("unknown", lambda c: c.update(model_type="mamba"))):
            config = json.loads((source / "config.json").read_text())
            change(config)
            (self.models / name / "config.json").write_text(json.dumps(config))

    def attribute(self, rows, *flags, model="llama"):
        return self.up.cli("attribute", "--model", model, "--data", rows, *flags)

    def no_jobs(self):
        self.assertEqual(self.assert_ok(self.up.cli("--format", "json", "jobs")).json["jobs"], [])

    def test_malformed_rows_are_all_reported_and_make_no_job(self):
        path = self.scratch / "rows.jsonl"
        path.write_text('{"id": "a", "token_ids": [1, 2], "prompt_tokens": 1}\n'
                        'not json\n'
                        '{"id": "a", "token_ids": [1, 2], "prompt_tokens": 1}\n'
                        '{"id": "c", "token_ids": [1, -2], "prompt_tokens": 1}\n'
                        '{"id": "d", "token_ids": [1, 2], "prompt_tokens": 2}\n'
                        '{"id": "e", "prompt": "x", "response": "y"}\n')
        result = self.attribute(path)
        self.assertEqual(result.status, 2)
        self.assertEqual(result.out, "")
        for line in (2, 3, 4, 5, 6):
            self.assertIn(f"rows.jsonl:{line}", result.err)
        self.no_jobs()

    def test_rows_only_the_model_can_judge_fail_the_job_with_every_one(self):
        rows = self.rows("rows.jsonl", [
            {"id": "good", "token_ids": [1, 2, 3], "prompt_tokens": 1},
            {"id": "long", "token_ids": [1] * 500, "prompt_tokens": 1},
            {"id": "range", "token_ids": [1, 97], "prompt_tokens": 1}])
        result = self.attribute(rows)
        self.assertEqual(result.status, 2)
        for word in ("long", "500", "128", "range", "97"):
            self.assertIn(word, result.err)
        jobs = self.assert_ok(self.up.cli("--format", "json", "jobs")).json["jobs"]
        self.assertEqual([j["state"] for j in jobs], ["FAILED"])
        skipped = self.assert_ok(self.up.cli("--format", "json", "attribute", "--model", "llama", "--data", rows,
                                             "--on-invalid", "skip", "--samples")).json
        self.assertEqual([s["id"] for s in skipped["samples"]], ["good"])
        self.assertEqual(skipped["provenance"]["samples_scored"], 1)
        kept = self.assert_ok(self.up.cli("--format", "json", "attribute", "--model", "llama", "--data", rows,
                                          "--max-tokens", "100", "--on-invalid", "skip", "--samples")).json
        self.assertEqual([(s["id"], s["tokens"]) for s in kept["samples"]], [("good", 3), ("long", 100)])

    def test_empty_response_and_text_without_tokenizer(self):
        empty = self.rows("empty.jsonl", [{"id": "a", "prompt": "x", "response": ""}])
        self.assertEqual(self.attribute(empty).status, 2)
        text = self.rows("text.jsonl", [{"id": "a", "prompt": "x", "response": "y"}])
        result = self.attribute(text)
        self.assertEqual(result.status, 2)
        self.assertIn("token_ids", result.err)

    def test_unknown_and_hostile_models(self):
        rows = GOLDEN / "llama/samples.jsonl"
        self.assertEqual(self.attribute(rows, model="lama").status, 4)
        self.assertIn("llama", self.attribute(rows, model="lama").err)
        for model, word in (("truncated", "bytes"), ("claims100gb", "header"), ("noheads", "num_attention_heads"),
                            ("unknown", "mamba")):
            with self.subTest(model=model):
                result = self.attribute(rows, model=model)
                self.assertEqual(result.status, 2, result.err)
                self.assertIn(word, result.err)
        self.assertEqual(self.attribute(rows, model="../llama").status, 2)
        self.assertEqual(self.attribute(rows).status, 0, "the worker survived all of it")

    def test_non_finite_scores_fail_the_job(self):
        result = self.attribute(GOLDEN / "llama/samples.jsonl", model="notfinite")
        self.assertEqual(result.status, 1, result.err)
        self.assertIn("finite", result.err)

    def test_usage(self):
        for arguments in (["attribute"], ["attribute", "--model", "llama"], ["nosuch"], ["--nosuch"],
                          ["attribute", "--model", "llama", "--data", "/nonexistent.jsonl"],
                          ["attribute", "--model", "llama", "--data", GOLDEN / "llama/samples.jsonl", "--dtype", "int8"],
                          ["attribute", "--model", "llama", "--data", GOLDEN / "llama/samples.jsonl", "--script-batch", "4",
                           "--loss-scale", "sum"], ["--format", "xml", "jobs"]):
            with self.subTest(arguments=arguments):
                result = self.up.cli(*arguments)
                self.assertEqual(result.status, 2, result.err)
                self.assertEqual(result.out, "")
                self.assertTrue(result.err.strip())
        self.assertEqual(self.up.cli("job", "j-0000000000000000").status, 4)
        self.assertEqual(self.up.cli("--help").status, 0)
        self.no_jobs()

    def start_refused(self, *flags):
        command = [str(BIN / "headscope-server"), "--model-root", str(self.models), "--metrics-listen", "127.0.0.1:0", *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def test_two_servers_and_used_ports(self):
        second = self.start_refused("--data-dir", str(self.up.data), "--listen", "127.0.0.1:0", "--worker-listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 2, second.stderr)
        self.assertIn(str(self.up.process.pid), second.stderr)
        used = self.start_refused("--data-dir", str(self.scratch / "other"), "--listen", self.up.addresses["listen"],
                                  "--worker-listen", "127.0.0.1:0")
        self.assertEqual(used.returncode, 2, used.stderr)
        self.assertIn(self.up.addresses["listen"], used.stderr)
        public = self.start_refused("--data-dir", str(self.scratch / "other"), "--listen", "0.0.0.0:0", "--worker-listen", "127.0.0.1:0")
        self.assertEqual(public.returncode, 2, public.stderr)
        self.assertIn("--insecure-allow-unauthenticated", public.stderr)

    def test_disk_full_refuses_and_loses_nothing(self):
        limited = Server(self.scratch / "limited", self.models, "--local-workers", "1", "--worker-threads", "1",
                         prefix=["prlimit", "--fsize=6000000"])
        self.addCleanup(limited.stop)
        limited.start()
        small = GOLDEN / "llama/samples.jsonl"
        before = self.assert_ok(limited.cli("--format", "json", "attribute", "--model", "llama", "--data", small)).json
        large = self.random_rows("large.jsonl", 40000)
        refused = limited.cli("attribute", "--model", "llama", "--data", large)
        self.assertEqual(refused.status, 5, refused.err)
        self.assertIn("no room is left on the disk", refused.err)
        again = self.assert_ok(limited.cli("--format", "json", "result", before["job"])).json
        self.assertEqual(again["pattern"], before["pattern"])
        self.assertEqual(limited.cli("health").status, 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
