"""Jobs of text: what the tokenizer makes of rows, end of sequence included, is what is scored."""

import json
import shutil

from harness import SOURCE, Case

DEMO = SOURCE / "deploy/demo"


class TextTest(Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(DEMO / "models/demo", self.models / "demo")
        self.end = json.loads((DEMO / "models/demo/generation_config.json").read_text())["eos_token_id"]
        self.pairs = []
        for task in ("copy", "reverse", "sort"):
            lines = (DEMO / f"samples/{task}.jsonl").read_text().splitlines()
            self.pairs += [json.loads(line) for line in lines[:3]]
        self.running = self.server().start()

    def tokenize(self, text, *flags):
        return self.assert_ok(self.running.cli("--format", "json", "tokenize", "demo", text, *flags)).json

    def attribute(self, name, rows, *flags):
        """Scores `rows` in batches that depend on the lengths alone, so that equal rows give equal bytes."""
        result = self.assert_ok(self.running.cli("--format", "json", "attribute", "--model", "demo", "--data",
                                                 self.rows(name, rows), "--samples", *flags)).json
        self.assertTrue(any(value for row in result["pattern"] for value in row))
        return result

    def assert_same(self, found, wanted):
        for key in ("samples", "pattern", "standard_error"):
            self.assertEqual(found[key], wanted[key], key)

    def as_ids(self, pair, with_end):
        tokens = self.tokenize(pair["prompt"], "--response", pair["response"])
        self.assertEqual(tokens["text"], pair["prompt"] + pair["response"])
        return {"id": pair["id"], "token_ids": tokens["ids"] + [self.end] * with_end,
                "prompt_tokens": tokens["prompt_tokens"]}

    def test_pairs_are_scored_as_their_token_ids(self):
        for with_end in (True, False):
            with self.subTest(with_end=with_end):
                text = self.attribute("text.jsonl", self.pairs, "--append-eos", str(with_end).lower())
                ids = [self.as_ids(pair, with_end) for pair in self.pairs]
                # The demo's tokens are bytes.
                for sample, pair in zip(text["samples"], self.pairs, strict=True):
                    response = len(pair["response"].encode()) + with_end
                    self.assertEqual(sample["response_tokens"], response)
                    self.assertEqual(sample["tokens"], len(pair["prompt"].encode()) + response)
                self.assert_same(self.attribute("ids.jsonl", ids), text)
        defaults = self.attribute("text.jsonl", self.pairs)
        self.assertTrue(defaults["options"]["append_eos"])
        self.assertEqual(defaults["samples"][0]["response_tokens"], len(self.pairs[0]["response"]) + 1)

    def test_all_but_the_first_token_of_a_text_is_response(self):
        texts = [{"id": pair["id"], "text": pair["prompt"] + pair["response"]} for pair in self.pairs]
        ids = [{"id": row["id"], "token_ids": self.tokenize(row["text"])["ids"] + [self.end], "prompt_tokens": 1}
               for row in texts]
        for positions in ("all", "prompt", "response"):
            with self.subTest(positions=positions):
                found = self.attribute("texts.jsonl", texts, "--positions", positions)
                self.assert_same(found, self.attribute("ids.jsonl", ids, "--positions", positions))
                for sample, row in zip(found["samples"], ids, strict=True):
                    self.assertEqual(sample["tokens"], len(row["token_ids"]))
                    self.assertEqual(sample["response_tokens"], len(row["token_ids"]) - 1)

    def test_tokens_are_recorded_on_request(self):
        found = self.attribute("text.jsonl", self.pairs, "--tokens")
        self.assertTrue(found["options"]["tokens"])
        for sample, pair in zip(found["samples"], self.pairs, strict=True):
            read = self.tokenize(pair["prompt"], "--response", pair["response"])
            ids = self.as_ids(pair, with_end=True)
            self.assertEqual(sample["token_ids"], ids["token_ids"])
            self.assertEqual(sample["token_strings"][:-1], read["tokens"])
            self.assertEqual(len(sample["token_strings"]), len(ids["token_ids"]))
            self.assertNotEqual(sample["token_strings"][-1], "")
            self.assertEqual(sample["response_mask"],
                             [0] * ids["prompt_tokens"] + [1] * (len(ids["token_ids"]) - ids["prompt_tokens"]))
        logs = self.running.log_path.read_text()
        self.assertIn(found["job"], logs)
        for pair in self.pairs:
            self.assertNotIn(pair["prompt"], logs)
        self.running.stop()
        self.running.restart()
        kept = self.assert_ok(self.running.cli("--format", "json", "result", found["job"], "--tokens")).json
        self.assertEqual(kept["samples"], found["samples"])

    def test_recorded_tokens_are_those_that_were_kept(self):
        for name, row, prompt in (("pair.jsonl", {"prompt": "abc", "response": "defgh"}, 3),
                                  ("text.jsonl", {"text": "abcdefgh"}, 1)):
            found = self.attribute(name, [row], "--tokens", "--max-tokens", "5")["samples"][0]
            self.assertEqual(found["token_ids"], self.tokenize("abcde")["ids"])
            self.assertEqual(found["response_mask"], [0] * prompt + [1] * (5 - prompt))

    def test_tokens_change_no_score_and_are_missed_only_when_asked_for(self):
        recorded = self.attribute("text.jsonl", self.pairs, "--tokens")
        plain = self.attribute("text.jsonl", self.pairs)
        for sample in recorded["samples"]:
            for key in ("token_ids", "token_strings", "response_mask"):
                del sample[key]
        self.assert_same(plain, recorded)
        refused = self.running.cli("--format", "json", "result", plain["job"], "--tokens")
        self.assertEqual(refused.status, 2, refused.err)
        self.assertIn("recorded no tokens", refused.err)
        self.assertIn("attribute --tokens", refused.err)

    def test_a_text_of_one_token_is_refused(self):
        rows = self.rows("short.jsonl", [{"id": "fine", "text": "ab"}, {"id": "short", "text": "a"}])
        refused = self.running.cli("attribute", "--model", "demo", "--data", rows, "--append-eos", "false")
        self.assertEqual(refused.status, 2, refused.err)
        self.assertIn("short", refused.err)
        self.assertIn("needs at least 2", refused.err)
        self.assertNotIn("fine", refused.err)
        self.assert_ok(self.running.cli("attribute", "--model", "demo", "--data", rows))


if __name__ == "__main__":
    import unittest
    unittest.main()
