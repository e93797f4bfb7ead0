"""Patterns through the whole service: of jobs, imported, of files; described, compared, decomposed, ranked."""

import array
import json
import math
import struct

from harness import Case


def npy(shape, values):
    """The bytes numpy.save writes."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array("d", values).tobytes()


def read_npy(path):
    data = path.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    return eval(data[10:10 + length])["shape"], list(array.array("d", data[10 + length:]))


def flat(matrix):
    return [value for row in matrix for value in row]


def dot(x, y):
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def cosine(x, y):
    return dot(x, y) / math.sqrt(dot(x, x) * dot(y, y))


def pearson(x, y):
    mean_x, mean_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    return cosine([a - mean_x for a in x], [b - mean_y for b in y])


class PatternsTest(Case):
    def setUp(self):
        super().setUp()
        self.running = self.server().start()

    def cli(self, *arguments):
        return self.assert_ok(self.running.cli("--format", "json", *arguments)).json

    def job(self, seed, model="llama"):
        rows = self.random_rows(f"rows{seed}.jsonl", 12, seed=seed, longest=20)
        return self.cli("attribute", "--model", model, "--data", rows, "--label", f"task=t{seed}", "--samples")

    def file(self, name, shape, values):
        path = self.scratch / name
        path.write_bytes(npy(shape, values))
        return path

    def refused(self, *arguments):
        result = self.running.cli(*arguments)
        self.assertEqual(result.status, 2, result.out + result.err)
        return result.err

    def test_jobs_are_compared_and_a_local_file_is_one_of_them(self):
        first, second = self.job(1), self.job(2)
        exported = self.scratch / "second.npy"
        self.assert_ok(self.running.cli("export", second["job"], "-o", exported))
        self.assertEqual(read_npy(exported), ((second["layers"], second["heads"]), flat(second["pattern"])))

        compared = self.cli("compare", first["job"], second["job"], exported)

        x, y = flat(first["pattern"]), flat(second["pattern"])
        for row, column in ((0, 1), (1, 0), (0, 2)):
            self.assertAlmostEqual(compared["pearson"][row][column], pearson(x, y), places=12)
            self.assertAlmostEqual(compared["cosine"][row][column], cosine(x, y), places=12)
        self.assertAlmostEqual(compared["pearson"][1][2], 1, places=12)
        self.assertEqual(compared["mse"][1][2], 0)

    def test_a_pattern_is_imported_listed_described_exported_and_deleted(self):
        path = self.file("ap.npy", (2, 2), [1, 2, 3, 4])
        name = self.cli("import", path, "--label", "task=paper", "--label", "step=200")["pattern"]
        self.running.kill()
        self.running.restart()
        listed = self.cli("patterns", "--label", "task=paper")["patterns"]
        self.assertEqual([pattern["id"] for pattern in listed], [name])
        self.assertEqual(listed[0]["labels"], {"task": "paper", "step": "200"})
        described = self.cli("describe", name)
        self.assertAlmostEqual(described["gini"], 0.25, places=12)
        self.assertAlmostEqual(described["cv"], math.sqrt(1.25) / 2.5, places=12)
        entropy = -math.fsum(p * math.log(p) for p in (0.1, 0.2, 0.3, 0.4))
        self.assertAlmostEqual(described["entropy"], entropy, places=12)
        self.assertIsNone(described["intervals"]["gini"], "there are no samples to draw from")
        copy = self.scratch / "copy.json"
        self.assert_ok(self.running.cli("export", name, "-o", copy))
        self.assertEqual(json.loads(copy.read_text())["pattern"], [[1, 2], [3, 4]])
        self.assert_ok(self.running.cli("delete", name))
        self.assertEqual(self.running.cli("describe", name).status, 4)

    def test_a_pattern_of_key_value_heads_has_their_number_wherever_it_is_named(self):
        rows = self.random_rows("rows.jsonl", 12, seed=7, longest=20)
        job = self.cli("attribute", "--model", "llama", "--data", rows, "--head-axis", "kv")
        shape = (3, 2)
        self.assertEqual((job["layers"], job["heads"]), shape)
        listed = self.cli("patterns")["patterns"][0]
        self.assertEqual((listed["layers"], listed["heads"]), shape)
        described = self.cli("describe", job["job"])
        self.assertEqual((described["layers"], described["heads"]), shape)
        copy = self.scratch / "copy.json"
        self.assert_ok(self.running.cli("export", job["job"], "-o", copy))
        self.assertEqual((json.loads(copy.read_text())["layers"], json.loads(copy.read_text())["heads"]), shape)
        imported = self.cli("import", copy)["pattern"]
        listed = self.cli("patterns", "--source", "imported")["patterns"][0]
        self.assertEqual((listed["id"], listed["layers"], listed["heads"]), (imported, *shape))
        compared = self.cli("compare", job["job"], imported)
        self.assertEqual((compared["layers"], compared["heads"], compared["mse"][0][1]), (*shape, 0))
        queries = self.cli("describe", job["job"], "--head-axis", "query")
        self.assertEqual((queries["layers"], queries["heads"]), (3, 4))

    def test_a_difference_is_decomposed(self):
        before, a, b = [1, 1, 1, 1, 2, 2], [1, 2, 4, 1, 2, 9], [5, 3, 4, 2, 8, 1]
        after = [x + 0.5 * (p - x) - 0.25 * (q - x) for x, p, q in zip(before, a, b)]
        paths = {name: self.file(f"{name}.npy", (2, 3), values)
                 for name, values in (("before", before), ("a", a), ("b", b), ("after", after))}

        found = self.cli("decompose", paths["after"], "--base", paths["before"], "--basis", f"{paths['a']},{paths['b']}")

        self.assertAlmostEqual(found["coefficients"][0], 0.5, places=12)
        self.assertAlmostEqual(found["coefficients"][1], -0.25, places=12)
        self.assertAlmostEqual(found["r2_centred"], 1, places=12)
        positive = self.cli("decompose", paths["after"], "--base", paths["before"], "--basis",
                            f"{paths['a']},{paths['b']}", "--fit", "nnls")
        self.assertEqual(positive["coefficients"][1], 0)

    def test_samples_are_ranked_alike_from_the_job_and_from_its_file(self):
        job = self.job(3)
        pool = self.scratch / "pool.npy"
        self.assert_ok(self.running.cli("result", job["job"], "--samples", "-o", pool))
        target = flat(job["pattern"])
        signed = {sample["id"]: flat(sample["signed"]) for sample in job["samples"]}
        wanted = sorted(signed, key=lambda name: -cosine(signed[name], target))[:5]

        ids = self.scratch / "ids"
        ids.write_text("".join(f"{name}\n" for name in signed))
        by_file = self.cli("rank", "--target", job["job"], "--pool", pool, "--ids", ids, "--top", "5")
        by_job = self.cli("rank", "--target", job["job"], "--pool", job["job"], "--top", "5", "--absolute", "none")

        self.assertEqual([sample["id"] for sample in by_file["samples"]], wanted)
        self.assertEqual(by_file["pool_samples"], 12)
        self.assertEqual(len(by_job["samples"]), 5)

    def test_what_does_not_fit_together_is_refused_with_the_reason(self):
        small, large = self.file("s.npy", (2, 2), [1, 2, 3, 4]), self.file("l.npy", (2, 3), [1, 2, 3, 4, 5, 6])
        self.assertIn("2 x 2 heads", self.refused("compare", small, large))
        self.assertIn("[samples, layers, heads]", self.refused("rank", "--target", small, "--pool", small))
        self.assertIn("not finite", self.refused("describe", self.file("n.npy", (1, 2), [1, math.nan])))
        self.assertIn("leave it out", self.refused("decompose", large, "--basis", f"{large},{large}"))
        self.assertEqual(self.running.cli("describe", "p-absent").status, 4)

    def test_models_of_different_architectures_are_compared_only_when_told_so(self):
        files = []
        for family in ("llama", "gpt2"):
            path = self.scratch / f"{family}.json"
            path.write_text(json.dumps({"pattern": [[1, 2], [3, 5]], "provenance": {"family": family}}))
            files.append(path)
        self.assertIn("allow", self.refused("compare", *files))
        self.cli("compare", *files, "--allow-different-models")

    def test_the_server_is_heard_in_the_words_of_the_command_line(self):
        target = self.job(5)["job"]
        for arguments, wanted, unwanted in (
                (("rank", "--target", target, "--pool", target, "--max-cosine", "2"), "--max-cosine: is 2", "diversity"),
                (("rank", "--target", target, "--pool", "x"), "--pool: ", "pool_job"),
                (("compare", target, target, "--rbo-p", "2"), "--rbo-p: is 2", "rbo_p"),
                (("describe", "nonsense"), "P: is not", "pattern.name"),
                (("result", target, "--head-axis", "kv", "--absolute", "per-token"), "--head-axis: ", "reduction.")):
            result = self.running.cli(*arguments)
            self.assertNotEqual(result.status, 0)
            self.assertIn(wanted, result.err)
            self.assertNotIn(unwanted, result.err)
        missing = self.running.cli("model", "of-no-such-name-at-all")
        self.assertEqual(missing.status, 4)
        self.assertIn("`headscope models` names them", missing.err)

    def test_a_mixture_sums_to_its_budget(self):
        shares = self.cli("plan-mixture", "--budget", "10", "--component", "a=1", "--component", "b=1", "--component",
                          "c=1", "--component", "d=-2")["shares"]
        self.assertEqual([share["samples"] for share in shares], [4, 3, 3, 0])
        self.assertTrue(shares[3]["clipped"])
