"""A model stored in another way is the same model: the same weights and settings give the same scores."""

import json

from checkpoints import cut_to_bfloat16, read_tensors, to_bfloat16, write_shards, write_tensors
from harness import GOLDEN, Case


class VariantsTest(Case):
    def golden(self, family):
        """config and tensors of a golden model."""
        config = json.loads((GOLDEN / family / "config.json").read_text())
        return config, read_tensors(GOLDEN / family / "model.safetensors")

    def write(self, name, config, tensors, shards=0):
        directory = self.models / name
        directory.mkdir()
        (directory / "config.json").write_text(json.dumps(config))
        if shards:
            write_shards(directory, tensors, shards)
        else:
            write_tensors(directory / "model.safetensors", tensors)
        return name

    def score(self, server, model, family):
        result = self.assert_ok(server.cli("--format", "json", "attribute", "--model", model, "--data",
                                           GOLDEN / family / "samples.jsonl", "--samples")).json
        self.assertTrue(any(value for row in result["pattern"] for value in row))
        return {key: result[key] for key in ("layers", "heads", "pattern", "standard_error", "samples")}

    def check(self, family, *variants):
        """Every one of `variants` scores the family's golden samples as the first one does."""
        server = self.server().start()
        wanted = self.score(server, variants[0], family)
        for variant in variants[1:]:
            with self.subTest(variant=variant):
                self.assertEqual(self.score(server, variant, family), wanted)

    def test_shards_with_an_index(self):
        config, tensors = self.golden("llama")
        self.check("llama", "llama", self.write("sharded", config, tensors, shards=3),
                   self.write("one-shard", config, tensors, shards=1))

    def test_bfloat16_is_widened_exactly(self):
        config, tensors = self.golden("llama")
        self.assertEqual({dtype for dtype, _, _ in tensors.values()}, {"F32"})
        cut = {name: (dtype, shape, cut_to_bfloat16(data)) for name, (dtype, shape, data) in tensors.items()}
        narrow = {name: ("BF16", shape, to_bfloat16(data)) for name, (_, shape, data) in cut.items()}
        self.assertNotEqual(cut, tensors)
        self.check("llama", self.write("cut", config, cut), self.write("bf16", config, narrow))

    def test_gpt2_with_and_without_prefix_and_mask_buffers(self):
        config, tensors = self.golden("gpt2")
        prefix = "transformer."
        self.assertTrue(all(name.startswith(prefix) for name in tensors))
        size = config["n_positions"]
        mask = b"".join(bytes([column <= row]) for row in range(size) for column in range(size))
        buffers = {}
        for layer in range(config["n_layer"]):
            buffers[f"{prefix}h.{layer}.attn.bias"] = ("U8", [1, 1, size, size], mask)
            buffers[f"{prefix}h.{layer}.attn.masked_bias"] = ("F32", [], b"\0\x40\x1c\xc6")
        bare = {name.removeprefix(prefix): tensor for name, tensor in (tensors | buffers).items()}
        self.check("gpt2", "gpt2", self.write("buffers", config, tensors | buffers), self.write("bare", config, bare))

    def test_both_generations_of_rope_keys(self):
        config, tensors = self.golden("llama3")
        newer = dict(config)
        newer["rope_parameters"] = newer.pop("rope_scaling") | {"rope_theta": newer.pop("rope_theta")}
        older = dict(config)
        older["rope_scaling"] = dict(config["rope_scaling"])
        older["rope_scaling"]["type"] = older["rope_scaling"].pop("rope_type")
        self.check("llama3", "llama3", self.write("newer", newer, tensors), self.write("older", older, tensors))

    def test_gemma2_layer_types_spell_out_the_default(self):
        config, tensors = self.golden("gemma2")
        self.assertNotIn("layer_types", config)
        kinds = ["sliding_attention", "full_attention"]
        spelt = config | {"layer_types": [kinds[layer % 2] for layer in range(config["num_hidden_layers"])]}
        other = config | {"layer_types": ["full_attention"] * config["num_hidden_layers"]}
        self.check("gemma2", "gemma2", self.write("spelt", spelt, tensors))
        # The windows are shorter than the samples, or this test would show nothing.
        server = self.server(name="other")
        self.write("other", other, tensors)
        server.start()
        self.assertNotEqual(self.score(server, "other", "gemma2"), self.score(server, "gemma2", "gemma2"))


if __name__ == "__main__":
    import unittest
    unittest.main()
