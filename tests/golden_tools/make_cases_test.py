"""The self-made golden cases are what make_cases.py makes, and its formulas meet the values that transformers gave.

Argument: tests/golden. Skips, saying so, where numpy or torch is absent.
"""

import json
import os
import sys
import tempfile
import unittest

SKIPPED = 77
try:
    import torch

    import make_cases
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(SKIPPED)

from adapters import ADAPTERS
from cases import CASES

GOLDEN = ""
# Frequencies are rounded to float32 at other steps.
ROUNDING = 2e-6


def numbers(value):
    """Every number of a parsed JSON value in order."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, (int, float)) else []


class MakeCasesTest(unittest.TestCase):
    def test_formulas_meet_the_values_of_transformers(self):
        for family in ("gpt2", "gpt_neox", "llama", "llama3", "mistral", "opt", "phi", "phi3", "qwen2", "qwen3"):
            with self.subTest(family=family):
                score, nll = make_cases.differences(os.path.join(GOLDEN, family))
                self.assertLess(score, ROUNDING)
                self.assertLess(nll, ROUNDING)

    def test_the_committed_cases_are_made_by_this_tool(self):
        for name in [*CASES, *ADAPTERS]:
            with self.subTest(case=name), tempfile.TemporaryDirectory() as directory:
                write = make_cases.write_adapter_case if name in ADAPTERS else make_cases.write_case
                write(directory, name)
                for made in os.listdir(directory):
                    with open(os.path.join(directory, made), "rb") as file:
                        found = file.read()
                    with open(os.path.join(GOLDEN, name, made), "rb") as file:
                        committed = file.read()
                    if made != "expected.json":
                        self.assertEqual(found, committed, made)
                        continue
                    values = [torch.tensor(numbers(json.loads(text))) for text in (found, committed)]
                    torch.testing.assert_close(*values, rtol=1e-9, atol=1e-12)


if __name__ == "__main__":
    GOLDEN = sys.argv.pop(1)
    torch.set_default_dtype(torch.float64)
    unittest.main()
