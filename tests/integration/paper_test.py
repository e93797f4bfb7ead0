"""deploy/paper/repeat.sh --quick: every step from training to reports, and what it leaves. Not what it finds: that is for
the full setting, and nothing to be asserted."""

import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, SOURCE

SCRIPT = SOURCE / "deploy/paper/repeat.sh"
sys.path.insert(0, str(SOURCE / "deploy/paper"))
from repeat.interval import mean_interval, student_quantile  # noqa: E402
from repeat.setting import BASIC, COMPLEX, PARTS, QUICK, TASKS  # noqa: E402
from repeat.trainer import Trainer  # noqa: E402


def run_it(output, *arguments):
    return subprocess.run([str(SCRIPT), *arguments, "-o", str(output)], capture_output=True, text=True, timeout=1500,
                          env=os.environ | {"HEADSCOPE_BIN": str(BIN)})


class RepeatTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.output = pathlib.Path(tempfile.mkdtemp(prefix="headscope-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.output, ignore_errors=True)
        cls.done = run_it(cls.output, "--quick")
        if cls.done.returncode != 0:
            raise AssertionError(cls.done.stderr[-4000:])
        # Before another run writes them again.
        cls.results = json.loads((cls.output / "results.json").read_text())
        cls.summary = (cls.output / "summary.txt").read_text()

    def assert_finite(self, value, place=""):
        """No NaN and no infinity anywhere beneath `value`."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.assert_finite(inner, f"{place}/{key}")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self.assert_finite(inner, f"{place}/{index}")
        elif isinstance(value, float):
            self.assertTrue(math.isfinite(value), place)

    def test_results_are_complete_and_finite(self):
        self.assertEqual(self.results["setting"]["name"], "quick")
        for key in ("jobs", "measured", "dispersion", "similarity", "combination", "change", "mixture", "selection", "run"):
            self.assertTrue(self.results[key], key)
        self.assert_finite(self.results)

    def test_every_task_is_measured_and_described_before_and_after(self):
        for task in TASKS:
            for when in ("before", "after"):
                measured, spread = self.results["measured"][task][when], self.results["dispersion"][task][when]
                self.assertGreater(measured["loss"], 0)
                self.assertTrue(0 <= measured["accuracy"] <= 1)
                self.assertTrue(0 < spread["gini"]["value"] < 1)
                low, high = spread["gini"]["interval"]
                self.assertLess(low, high)
                # 4 layers of 8 heads.
                self.assertTrue(1 <= spread["effective_heads"]["value"] <= 32)

    def test_similarities_are_symmetric_with_ones_on_the_diagonal(self):
        for when in ("before", "after"):
            matrix = self.results["similarity"][when]["pearson"]["values"]
            for i, row in enumerate(matrix):
                self.assertAlmostEqual(row[i], 1)
                for j, value in enumerate(row):
                    self.assertEqual(value, matrix[j][i])
                    self.assertTrue(-1 <= value <= 1 + 1e-9)
            self.assertEqual(len(matrix), len(TASKS))

    def test_every_complex_task_is_decomposed_with_a_null(self):
        for task in COMPLEX:
            for quantity in ("before", "after", "change"):
                ols, nnls = (self.results["combination"][task][quantity][fit] for fit in ("ols", "nnls"))
                self.assertEqual(set(ols["coefficients"]), set(BASIC))
                self.assertTrue(0 <= ols["r2_centred"] <= 1)
                self.assertTrue(0 < ols["p_value"] <= 1)
                self.assertLessEqual(ols["subset_of_parts_r2_centred"], ols["r2_centred"] + 1e-9)
                self.assertIn(ols["rank_of_parts_among_pairs"], range(1, 7))
                for coefficient in nnls["coefficients"].values():
                    self.assertGreaterEqual(coefficient["value"], 0)
                self.assertEqual(ols["parts"], list(PARTS[task]))

    def test_trajectories_begin_at_the_base_model(self):
        for series, tasks, places in (("steps", TASKS, QUICK.checkpoints), ("counts", QUICK.counted_tasks, QUICK.counts)):
            for task in tasks:
                points = self.results["change"][series][task]
                self.assertEqual([point["at"] for point in points], [0, *places])
                self.assertEqual(points[0]["share_of_change"], 0)
                self.assertAlmostEqual(points[-1]["share_of_change"], 1)
                self.assertGreater(points[1]["against_first"]["mse"], 0)

    def test_both_applications_compare_arms_of_the_same_size(self):
        mixture, selection = self.results["mixture"], self.results["selection"]
        cells = len(QUICK.targets) * len(QUICK.seeds)
        for found in (mixture, selection):
            self.assertEqual(len(found["runs"]), cells)
            for run in found["runs"]:
                self.assertEqual(set(run["measured"]), set(found["arms"]))
            for difference in found["differences"].values():
                self.assertEqual(difference["all"]["loss"]["n"], cells)
                self.assertLess(difference["all"]["loss"]["low"], difference["all"]["loss"]["high"])
        for run in mixture["runs"]:
            self.assertEqual(sum(run["samples"].values()), QUICK.warm_up_rows)
            folder = self.output / "data/mixture" / run["target"] / f"seed-{run['seed']}"
            planned, drawn, parts = ((folder / f"{arm}.jsonl").read_text().splitlines()
                                     for arm in ("planned", "random", "parts"))
            self.assertEqual({len(planned), len(drawn), len(parts)}, {QUICK.warm_up_rows})
            for task, count in run["samples"].items():
                self.assertEqual(sum(json.loads(row)["prompt"].startswith(f"{task}:") for row in planned), count)
        for run in selection["runs"]:
            for arm in selection["arms"]:
                self.assertEqual(sum(run["tasks_of_chosen"][arm].values()), QUICK.chosen_rows)

    def test_nothing_held_out_was_trained_on(self):
        held_out = {json.loads(row)["prompt"] for path in (self.output / "data/held-out").glob("*.jsonl")
                    for row in path.read_text().splitlines()}
        self.assertEqual(len(held_out), len(TASKS) * QUICK.samples)
        trained = [path for path in (self.output / "data").rglob("*.jsonl") if "held-out" not in path.parts]
        self.assertGreater(len(trained), len(TASKS))
        for path in trained:
            prompts = {json.loads(row)["prompt"] for row in path.read_text().splitlines()}
            self.assertFalse(prompts & held_out, path)

    def test_the_summary_and_the_reports_show_it(self):
        self.assertEqual(self.summary.strip(), self.done.stdout.strip())
        for words in ("1. Selective activation", "2. Combination", "3. Fast change", "Application 1", "Application 2"):
            self.assertIn(words, self.summary)
        self.assertEqual(self.results["reports"][:2], ["report.html", "report-changes.html"])
        for name in self.results["reports"]:
            page = (self.output / name).read_text()
            self.assertIn("<svg", page)
            self.assertFalse(re.search(r'(?:src|href)="https?:', page), name)
        for task in TASKS:
            self.assertIn(f"{task} before", (self.output / "report.html").read_text())

    def test_a_second_run_keeps_the_models_and_says_the_same(self):
        before = {path: path.stat().st_mtime_ns for path in self.output.rglob("model.safetensors")}
        again = run_it(self.output, "--quick")
        self.assertEqual(again.returncode, 0, again.stderr[-4000:])
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.output.rglob("model.safetensors")}, before)
        results = json.loads((self.output / "results.json").read_text())
        for key in ("measured", "dispersion", "similarity", "combination", "change", "mixture", "selection"):
            self.assertEqual(results[key], self.results[key], key)


class RowsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "rows/copy.jsonl"
        self.trainer = Trainer(QUICK)
        self.made = self.rows()

    def rows(self, seed=1):
        return self.trainer.rows(self.path, "copy", 8, seed).read_bytes()

    def test_rows_as_the_same_command_left_them_are_kept(self):
        before = self.path.stat().st_mtime_ns
        self.assertEqual(self.rows(), self.made)
        self.assertEqual(self.path.stat().st_mtime_ns, before)

    def test_altered_rows_of_the_same_number_are_made_again(self):
        lines = self.made.splitlines(keepends=True)
        self.path.write_bytes(b"".join(reversed(lines)))
        self.assertEqual(self.rows(), self.made)
        self.path.write_bytes(b"".join(lines[:-1]) + lines[-1][:10])
        self.assertEqual(self.rows(), self.made)

    def test_rows_of_another_command_are_made_again(self):
        self.assertNotEqual(self.rows(seed=2), self.made)
        self.assertEqual(self.rows(), self.made)


class CommandLineTest(unittest.TestCase):
    def test_what_cannot_be_run_is_refused_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([str(SCRIPT), "--quick", "-o", f"{folder}/out"], capture_output=True, text=True,
                                  timeout=60, env=os.environ | {"HEADSCOPE_BIN": folder})
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"there is no headscope in {folder}", done.stderr)
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])
            done = run_it(pathlib.Path(folder) / "out", "--seeds", "0")
            self.assertEqual(done.returncode, 2)
            self.assertIn("--seeds is at least 1", done.stderr)


class IntervalTest(unittest.TestCase):
    def test_quantiles_are_those_of_tables(self):
        for freedom, wanted in ((1, 12.7062), (2, 4.3027), (4, 2.7764), (19, 2.0930), (100, 1.9840)):
            self.assertAlmostEqual(student_quantile(freedom), wanted, 3)

    def test_an_interval_by_hand(self):
        found = mean_interval([1.0, 2.0, 3.0])
        self.assertEqual((found["n"], found["mean"]), (3, 2.0))
        self.assertAlmostEqual(found["high"] - 2.0, 4.3027 / math.sqrt(3), 3)
        self.assertAlmostEqual(2.0 - found["low"], 4.3027 / math.sqrt(3), 3)
        self.assertEqual(mean_interval([5.0]), {"n": 1, "mean": 5.0, "low": None, "high": None})


if __name__ == "__main__":
    unittest.main()
