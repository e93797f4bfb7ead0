"""The peers compute what they are compared with: their scores equal the golden ones.

Arguments: folders of golden cases; each family is taken from the first that has it whole.
"""

import json
import os
import sys
import unittest

SKIPPED = 77
try:
    import numpy
    import torch

    import peer_models
    import peer_procedures
    import peers
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(SKIPPED)

FOLDERS = []


def is_whole(model):
    """Whether no projection lost its bias: a GPT-2 has one for each."""
    return not isinstance(model, peer_models.Gpt2) or "h.0.attn.c_attn.bias" in model.weights


def golden(family):
    """Model in float64, samples, and signed scores [samples, layers, heads] of one golden case."""
    for parent in FOLDERS:
        folder = os.path.join(parent, family)
        if not os.path.isdir(folder):
            continue
        model = peer_models.load(folder, torch.float64)
        if not is_whole(model):
            continue
        with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
            expected = json.load(file)
        samples = peers.read_samples(os.path.join(folder, "samples.jsonl"), None)
        return model, samples, numpy.array([sample["signed"] for sample in expected["samples"]])
    raise unittest.SkipTest(f"no whole golden case of {family} in {FOLDERS}")


class GoldenScores:
    """Both peers against golden scores; the peers' ropes and losses are float32."""

    def test_careful_scores_equal_golden_scores_for_both_leaves(self):
        model, samples, signed = golden(self.family)
        for leaf in ("attention", "gates"):
            scores = numpy.stack(list(peer_procedures.careful_scores(model, samples, 2, leaf)))
            numpy.testing.assert_allclose(scores, signed, rtol=0, atol=1e-6 * numpy.abs(signed).max())

    def test_paper_scores_are_golden_scores_weighted_by_the_batchs_response_tokens(self):
        model, samples, signed = golden(self.family)
        counts = numpy.array([len(ids) - max(prompt, 1) for ids, prompt in samples], dtype=float)
        for size in (1, 4):
            weights = numpy.empty_like(counts)
            for first in range(0, len(counts), size):
                batch = counts[first : first + size]
                weights[first : first + size] = batch / batch.sum()
            scores = numpy.stack(list(peer_procedures.paper_scores(model, samples, size, 1024, 2)))
            numpy.testing.assert_allclose(scores, signed * weights[:, None, None], rtol=0,
                                          atol=1e-6 * numpy.abs(signed).max())


class Gpt2Test(GoldenScores, unittest.TestCase):
    family = "gpt2"


class LlamaTest(GoldenScores, unittest.TestCase):
    family = "llama"


if __name__ == "__main__":
    FOLDERS = [folder for folder in sys.argv[1:] if os.path.isdir(folder)]
    if not FOLDERS:
        print(f"skipped: no golden cases at {sys.argv[1:]}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
