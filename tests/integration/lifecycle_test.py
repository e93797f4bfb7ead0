"""Submitting, watching, cancelling, reading and deleting, as the command line shows them."""

import json
import struct

from harness import GOLDEN, SHARED, Case, wait_for


class LifecycleTest(Case):
    def test_detach_watch_result_delete(self):
        server = self.server().start()
        data = GOLDEN / "gpt2/samples.jsonl"
        submitted = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "gpt2", "--data", data,
                                              "--label", "task=golden", "--detach")).json
        self.assertEqual(list(submitted), ["job"])
        job = submitted["job"]
        self.assertNotIn("/", job)
        self.assertEqual(server.cli("watch", job).status, 0)
        shown = self.assert_ok(server.cli("--format", "json", "job", "jobs/" + job)).json
        count = len(data.read_text().splitlines())
        self.assertEqual((shown["state"], shown["samples_done"], shown["samples_total"]), ("SUCCEEDED", count, count))
        self.assertEqual(shown["labels"], {"task": "golden"})
        result = self.assert_ok(server.cli("result", job, "--format", "json")).json
        self.assertEqual(set(result), {"job", "model", "method", "options", "layers", "heads", "pattern",
                                       "standard_error", "provenance"})
        self.assertTrue(result["model"]["digest"].startswith("sha256:"))
        self.assertEqual(result["options"]["absolute"], "per-sample")
        csv = self.assert_ok(server.cli("--format", "csv", "result", job)).out.splitlines()
        self.assertEqual(csv[0], "layer,head,value,standard_error")
        self.assertEqual(len(csv), 1 + result["layers"] * result["heads"])
        self.assertEqual(float(csv[1].split(",")[2]), result["pattern"][0][0])
        npy = self.scratch / "pattern.npy"
        self.assert_ok(server.cli("result", job, "-o", npy))
        raw = npy.read_bytes()
        size = struct.unpack("<H", raw[8:10])[0]
        self.assertIn("'<f8'", raw[10:10 + size].decode())
        self.assertEqual(struct.unpack("<d", raw[10 + size:18 + size])[0], result["pattern"][0][0])
        listed = self.assert_ok(server.cli("--format", "json", "jobs")).json
        self.assertEqual([j["job"] for j in listed["jobs"]], [job])
        self.assertEqual(len(self.assert_ok(server.cli("--format", "json", "datasets")).json["datasets"]), 1)
        self.assert_ok(server.cli("delete", job))
        self.assertEqual(server.cli("job", job).status, 4)
        self.assertEqual(server.cli("result", job).status, 4)

    def test_cancel_running_work(self):
        rows = self.random_rows("rows.jsonl", 20000)
        server = self.server().start()
        job = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "gpt2", "--data", rows, "--detach")).json["job"]
        wait_for(lambda: self.assert_ok(server.cli("--format", "json", "job", job)).json["samples_done"] > 0, 120, "work begun")
        self.assertEqual(server.cli("result", job).status, 1)
        self.assertEqual(server.cli("delete", job).status, 2)
        self.assert_ok(server.cli("cancel", job))
        self.assertEqual(server.cli("watch", job, timeout=30).status, 1)
        self.assertEqual(self.assert_ok(server.cli("--format", "json", "job", job)).json["state"], "CANCELLED")
        follow_up = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "gpt2", "--data",
                                              GOLDEN / "gpt2/samples.jsonl", timeout=60)).json
        self.assertEqual(follow_up["heads"], 4)

    def test_cancel_queued_work_ends_it_at_once(self):
        server = self.server().start()
        first = self.random_rows("rows.jsonl", 20000)
        busy = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "gpt2", "--data", first, "--detach")).json["job"]
        # Long as well: jobs take turns, and a short one might be done before it is cancelled.
        queued = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "gpt2", "--data", first,
                                           "--detach")).json["job"]
        for job in (queued, busy):
            self.assert_ok(server.cli("cancel", job))
            self.assertEqual(server.cli("watch", job, timeout=30).status, 1)

    def test_models_and_health(self):
        server = self.server().start()
        models = self.assert_ok(server.cli("models", "--format", "json")).json["models"]
        self.assertEqual([m["name"] for m in models], ["gemma2", "gpt2", "llama", "llama3"])
        model = self.assert_ok(server.cli("--format", "json", "model", "llama3")).json
        self.assertEqual((model["layers"], model["heads"], model["kv_heads"]), (3, 4, 1))
        self.assertEqual(server.cli("health").status, 0)
        self.assertEqual(server.cli("model", "nosuch").status, 4)
        server.stop()
        self.assertEqual(server.cli("health").status, 3)
        self.assertEqual(server.cli("jobs").status, 3)

    def test_metrics_tell_what_happened(self):
        server = self.server().start()
        self.assert_ok(server.cli("attribute", "--model", "gpt2", "--data", GOLDEN / "gpt2/samples.jsonl"))
        text = server.metrics()
        for name in ("headscope_build_info", "headscope_jobs_submitted_total", "headscope_jobs_finished_total",
                     "headscope_queue_capacity", "headscope_job_queue_seconds_bucket", "headscope_job_run_seconds_bucket",
                     "headscope_leases_active", "headscope_workers", "headscope_store_operation_seconds_bucket",
                     "headscope_watchers", "headscope_draining", "grpc_server_handled_total",
                     "grpc_server_handling_seconds_bucket", "process_resident_memory_bytes"):
            self.assertIn(name, text)
        finished = [line for line in text.splitlines()
                    if line.startswith("headscope_jobs_finished_total") and 'state="succeeded"' in line]
        self.assertEqual([float(line.split()[-1]) for line in finished], [1.0])

    def test_text_rows_and_tokenize(self):
        tokenizer = SHARED / "tokenizers/gpt2/tokenizer.json"
        if not tokenizer.exists():
            self.skipTest(f"no reference tokenizer at {tokenizer}")
        import shutil
        shutil.copy(SOURCE_TOKENIZER_CONFIG(self), self.models / "gpt2")
        shutil.copy(tokenizer, self.models / "gpt2/tokenizer.json")
        server = self.server().start()
        shown = self.assert_ok(server.cli("--format", "json", "tokenize", "gpt2", "Hello, world!")).json
        self.assertEqual(shown["ids"], [15496, 11, 995, 0])
        self.assertEqual(shown["text"], "Hello, world!")
        both = self.assert_ok(server.cli("--format", "json", "tokenize", "gpt2", "-", "--response", " world!", input="Hello,")).json
        self.assertEqual((both["ids"], both["prompt_tokens"]), ([15496, 11, 995, 0], 2))
        rows = self.rows("text.jsonl", [{"id": "a", "prompt": "Hello,", "response": " world!"}])
        refused = server.cli("attribute", "--model", "gpt2", "--data", rows)
        self.assertEqual(refused.status, 2, refused.err)  # the golden model's vocabulary is far smaller
        self.assertIn("15496", refused.err)


def SOURCE_TOKENIZER_CONFIG(case):
    path = case.scratch / "tokenizer_config.json"
    path.write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    return path


if __name__ == "__main__":
    import unittest
    unittest.main()
