"""LoRA adapters through the whole service: a series of them on one base."""

import json
import shutil

from harness import GOLDEN, Case, worst


class AdaptersTest(Case):
    def setUp(self):
        super().setUp()
        for step in (100, 20, 3):
            directory = self.models / f"tuned/checkpoint-{step}"
            shutil.copytree(GOLDEN / "llama_lora", directory)
        self.running = self.server().start()

    def cli(self, *arguments):
        return self.assert_ok(self.running.cli("--format", "json", *arguments)).json

    def test_a_series_is_listed_by_number_and_shown_with_its_base(self):
        series = [model["name"] for model in self.cli("models")["models"] if model["name"].startswith("tuned")]
        self.assertEqual(series, [f"tuned/checkpoint-{step}" for step in (3, 20, 100)])
        shown, base = self.cli("model", "tuned/checkpoint-3"), self.cli("model", "llama")
        self.assertEqual(shown["adapter"]["base"], "llama")
        self.assertEqual(shown["adapter"]["rank"], 4)
        self.assertIsNone(base["adapter"])
        self.assertEqual(shown["parameters"], base["parameters"] + shown["adapter"]["parameters"])
        self.assertGreater(shown["bytes_per_token"], 0)
        self.assertIn("adapter of", self.assert_ok(self.running.cli("model", "tuned/checkpoint-3")).out)

    def test_scores_are_those_of_the_merged_weights(self):
        wanted = json.loads((GOLDEN / "llama_lora/expected.json").read_text())
        result = self.cli("attribute", "--model", "tuned/checkpoint-20", "--data", GOLDEN / "llama_lora/samples.jsonl",
                          "--samples")
        for found, sample in zip(result["samples"], wanted["samples"], strict=True):
            self.assertLess(worst(found["signed"], sample["signed"]), 1e-5)
            self.assertAlmostEqual(found["objective"], sample["nll"], delta=1e-5 * sample["nll"])

    def test_an_adapter_without_its_base_says_so(self):
        config_path = self.models / "tuned/checkpoint-3/adapter_config.json"
        config = json.loads(config_path.read_text())
        # In one step: a scan may be reading it.
        changed = config_path.with_suffix(".new")
        changed.write_text(json.dumps({**config, "base_model_name_or_path": "org/absent"}))
        changed.replace(config_path)
        refused = self.running.cli("attribute", "--model", "tuned/checkpoint-3", "--data",
                                   GOLDEN / "llama_lora/samples.jsonl")
        self.assertNotEqual(refused.status, 0)
        self.assertIn("org/absent", refused.err)
