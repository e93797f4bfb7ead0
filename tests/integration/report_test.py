"""headscope report through the whole service: what the page says is what the server says."""

import html.parser
import math

from harness import Case


class Page(html.parser.HTMLParser):
    """The ids of a page's sections and its tables: caption -> rows of cells, row headings included."""

    def __init__(self, text):
        super().__init__()
        self.sections, self.tables, self.title = [], {}, ""
        self._rows, self._place = None, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "section":
            self.sections.append(dict(attributes)["id"])
        elif tag == "caption":
            self._place, self._caption = "caption", ""
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")
            self._place = "cell"
        elif tag == "h1":
            self._place = "title"

    def handle_endtag(self, tag):
        if tag == "caption":
            self._rows = self.tables.setdefault(self._caption, [])
        if tag in ("caption", "table", "h1"):
            self._place = None

    def handle_data(self, data):
        if self._place == "caption":
            self._caption += data
        elif self._place == "title":
            self.title += data
        elif self._place == "cell":
            self._rows[-1][-1] += data.rstrip("\n")

    def matrix(self, caption):
        """The numbers of a table, without headings and standard errors."""
        return [[float(cell.split(" ± ")[0].replace("−", "-")) for cell in row[1:]] for row in self.tables[caption][1:]]


class ReportTest(Case):
    def setUp(self):
        super().setUp()
        self.running = self.server().start()
        self.jobs = [self.job(seed) for seed in (1, 2, 3)]

    def job(self, seed):
        rows = self.random_rows(f"rows{seed}.jsonl", 12, seed=seed, longest=20)
        return self.json("attribute", "--model", "llama", "--data", rows, "--label", f"task=t{seed}")

    def json(self, *arguments):
        return self.assert_ok(self.running.cli("--format", "json", *arguments)).json

    def report(self, *arguments):
        path = self.scratch / "report.html"
        result = self.assert_ok(self.running.cli("report", *arguments, "-o", path))
        self.assertEqual(result.out, "")
        return Page(path.read_text(encoding="utf-8"))

    def assert_near(self, found, wanted, tolerance):
        for row, (found_row, wanted_row) in enumerate(zip(found, wanted, strict=True)):
            for column, (one, other) in enumerate(zip(found_row, wanted_row, strict=True)):
                self.assertTrue(math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance), (row, column, one, other))

    def test_numbers_are_those_of_the_server(self):
        ids = [job["job"] for job in self.jobs]
        page = self.report(*ids, "--title", "Three tasks")

        self.assertEqual(page.title, "Three tasks")
        self.assertEqual(page.sections, ["patterns", "differences", "dispersion", "similarity", "provenance"])
        for name, job in zip(("t1", "t2", "t3"), self.jobs):
            # Four significant digits.
            self.assert_near(page.matrix(name), job["pattern"], 6e-4)
        difference = [[after - before for after, before in zip(*rows)]
                      for rows in zip(self.jobs[2]["pattern"], self.jobs[0]["pattern"])]
        self.assert_near(page.matrix("t3 − t1"), difference, 6e-4)
        compared = self.json("compare", *ids)
        # Three decimals.
        self.assert_near(page.matrix("Pearson correlation"), compared["pearson"], 6e-4)
        self.assert_near(page.matrix("Spearman rank correlation, layer means removed"),
                         compared["layer_means_removed"]["spearman"], 6e-4)

    def test_files_are_tracked_and_changes_decomposed(self):
        files = []
        for index, job in enumerate(self.jobs):
            files.append(self.scratch / f"step-{index}.npy")
            self.assert_ok(self.running.cli("export", job["job"], "-o", files[-1]))
        base, basis, target = files
        page = self.report(*files, "--label", "0,100,400", "--track", "--base", base, "--decompose", target, "--basis",
                           basis, "--fit", "nnls")

        self.assertIn("trajectories", page.sections)
        tracked = self.json("track", *files)["points"]
        pearson = [row[1:4] for row in page.tables["Change along the patterns"][1:]]
        self.assertEqual(pearson[0][1], "–", "nothing comes before the first")
        for row, point in zip(pearson[1:], tracked[1:], strict=True):
            for cell, reference in zip(row, ("against_first", "against_previous", "against_last")):
                self.assertAlmostEqual(float(cell.replace("−", "-")), point[reference]["pearson"], delta=6e-4)
        fitted = self.json("decompose", target, "--base", base, "--basis", basis, "--fit", "nnls")
        coefficients = {row[0]: row[2] for row in page.tables["Coefficients"][1:]}
        self.assertAlmostEqual(float(coefficients["100 − 0"]), fitted["coefficients"][0], delta=6e-4)
