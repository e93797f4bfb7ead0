"""The golden cases through the whole service: command line, server, worker and back."""

import json

from harness import FAMILIES, GOLDEN, Case, largest, worst


def expected(family):
    return json.loads((GOLDEN / family / "expected.json").read_text())


class GoldenTest(Case):
    def check(self, family, found):
        wanted = expected(family)
        self.assertEqual([s["id"] for s in found["samples"]], [s["id"] for s in wanted["samples"]])
        for sample, reference in zip(found["samples"], wanted["samples"], strict=True):
            self.assertLess(worst(sample["signed"], reference["signed"]), 1e-5, f"{family} {sample['id']}")
            self.assertLess(abs(sample["objective"] - reference["nll"]) / abs(reference["nll"]), 1e-5)
        self.assertLess(worst(found["pattern"], wanted["pattern"]), 1e-5, family)

    def test_every_family_in_both_precisions(self):
        server = self.server().start()
        for family in FAMILIES:
            for dtype in ("float32", "float64"):
                with self.subTest(family=family, dtype=dtype):
                    result = server.cli("--format", "json", "attribute", "--model", family, "--data",
                                        GOLDEN / family / "samples.jsonl", "--dtype", dtype, "--samples")
                    self.check(family, self.assert_ok(result).json)

    def test_result_depends_on_nothing_but_its_inputs(self):
        rows = self.random_rows("rows.jsonl", 700)
        server = self.server("--local-workers", "2", "--worker-threads", "1").start()
        runs = [self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data", rows,
                                          "--samples", "--batch-tokens", budget)).json
                for budget in ("16", "700", "5000")]
        for other in runs[1:]:
            self.assertLess(worst(other["pattern"], runs[0]["pattern"]), 1e-5)
            for sample, reference in zip(other["samples"], runs[0]["samples"], strict=True):
                self.assertEqual(sample["id"], reference["id"])
                self.assertLess(worst(sample["signed"], reference["signed"]), 1e-5)
        again = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data", rows,
                                          "--samples", "--batch-tokens", "700")).json
        self.assertEqual(again["samples"], runs[1]["samples"], "the same plan gives the same bytes")

    def test_tokens_of_many_shards_come_back_in_dataset_order(self):
        rows = self.random_rows("rows.jsonl", 700)
        sent = [json.loads(line) for line in rows.read_text().splitlines()]
        # Nothing predicts a first token: it is supervised in no row.
        sent[0]["prompt_tokens"] = 0
        rows = self.rows("rows.jsonl", sent)
        server = self.server("--local-workers", "2", "--worker-threads", "1").start()
        result = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data", rows,
                                           "--samples", "--tokens")).json
        for sample, row in zip(result["samples"], sent, strict=True):
            self.assertEqual(sample["token_ids"], row["token_ids"])
            self.assertIsNone(sample["token_strings"], "the golden models have no tokenizer")
            prompt = max(row["prompt_tokens"], 1)
            self.assertEqual(sample["response_mask"], [0] * prompt + [1] * (len(row["token_ids"]) - prompt))

    def test_reductions_of_a_finished_job_need_no_new_run(self):
        server = self.server().start()
        job = self.assert_ok(server.cli("--format", "json", "attribute", "--model", "llama", "--data",
                                        GOLDEN / "llama/samples.jsonl", "--samples")).json
        samples = job["samples"]
        count = len(samples)

        def mean(weight):
            return [[sum(weight(s) * s["signed"][l][h] for s in samples) / count for h in range(job["heads"])]
                    for l in range(job["layers"])]

        signed = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--absolute", "none")).json
        self.assertLess(worst(signed["pattern"], mean(lambda s: 1)), 1e-6)
        summed = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--absolute", "none",
                                           "--loss-scale", "sum")).json
        self.assertLess(worst(summed["pattern"], mean(lambda s: s["response_tokens"])), 1e-6)
        batch = {}
        for start in range(0, count, 2):
            chunk = samples[start:start + 2]
            for s in chunk:
                batch[s["id"]] = s["response_tokens"] / sum(c["response_tokens"] for c in chunk)
        script = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--absolute", "none",
                                           "--script-batch", "2")).json
        self.assertEqual(script["options"]["loss_scale"], "batch-token-mean")
        self.assertLess(worst(script["pattern"], mean(lambda s: batch[s["id"]])), 1e-6)
        grouped = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--absolute", "none",
                                            "--head-axis", "kv")).json
        group = job["heads"] // len(grouped["pattern"][0])
        folded = [[sum(row[g * group:(g + 1) * group]) for g in range(len(row) // group)] for row in signed["pattern"]]
        self.assertLess(worst(grouped["pattern"], folded), 1e-6)
        normed = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--layer-norm", "l2")).json
        for row in normed["pattern"]:
            self.assertAlmostEqual(sum(value * value for value in row), 1.0, places=9)
        prompt = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--positions", "prompt", "--absolute", "none")).json
        response = self.assert_ok(server.cli("--format", "json", "result", job["job"], "--positions", "response", "--absolute", "none")).json
        both = [[a + b for a, b in zip(x, y)] for x, y in zip(prompt["pattern"], response["pattern"])]
        self.assertLess(worst(both, signed["pattern"]), 1e-6)
        refused = server.cli("result", job["job"], "--head-axis", "kv", "--absolute", "per-token")
        self.assertEqual(refused.status, 2, refused.err)
        self.assertGreater(largest(signed["pattern"]), 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
