"""Sample reports in a real browser: browser_test.py WRITER FOLDER. Exits with 77 where there is no browser.

WRITER writes the reports into FOLDER; screenshots and prints are left there to be looked at.
"""
import os
import subprocess
import sys
import unittest

from browser import Browser, find_browser

REPORTS = ("small", "middle", "signed", "large", "tall", "single", "hostile")
THEMES = ("light", "dark")
HOSTILE = """</b><script>document.title = 'broken'</script><img src=x onerror=alert(1)> "'&"""


class ReportInBrowser(unittest.TestCase):
    browser = None
    folder = None

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(os.path.dirname(__file__), "browser_checks.js"), encoding="utf-8") as file:
            cls.checks = file.read()

    def open(self, report, theme="light", width=1280, media="", scripts=True):
        self.browser.set_width(width)
        self.browser.set_theme(theme, media)
        self.browser.set_scripts(scripts)
        self.browser.open(self.path(f"{report}.html"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def check(self, call):
        return self.browser.evaluate(f"(() => {{ {self.checks}; return checks.{call}; }})()")

    def for_every_report(self, check):
        for report in REPORTS:
            for theme in THEMES:
                with self.subTest(report=report, theme=theme):
                    self.open(report, theme)
                    check(report, theme)

    def test_asks_for_nothing_and_reports_no_error(self):
        def check(report, theme):
            self.browser.screenshot(self.path(f"{report}-{theme}.png"))
            requests = [event["params"]["request"]["url"] for event in self.browser.events
                        if event["method"] == "Network.requestWillBeSent"]
            self.assertEqual(requests, ["file://" + os.path.abspath(self.path(f"{report}.html"))])
            errors = [event["params"] for event in self.browser.events
                      if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")]
            self.assertEqual(errors, [])

        self.for_every_report(check)

    def test_figures_can_be_seen_and_have_names(self):
        def check(*_):
            self.assertEqual(self.check("badFigures()"), [])
            images = [node for node in self.browser.accessibility_tree()
                      if node.get("role", {}).get("value") in ("image", "img") and not node["ignored"]]
            self.assertGreater(len(images), 1)
            self.assertEqual([node for node in images if not node["name"]["value"].strip()], [])

        self.for_every_report(check)

    def test_text_has_contrast(self):
        self.for_every_report(lambda *_: self.assertEqual(self.check("lowContrast()"), []))

    def test_headings_descend_step_by_step(self):
        for report in REPORTS:
            self.open(report)
            levels = self.check("headingLevels()")
            self.assertEqual(levels[0], 1)
            self.assertEqual(levels.count(1), 1)
            self.assertTrue(all(after - before <= 1 for before, after in zip(levels, levels[1:])), levels)
            self.assertEqual(self.check("duplicateIds()"), [])

    def test_fits_a_narrow_screen(self):
        for report in REPORTS:
            with self.subTest(report=report):
                self.open(report, width=400)
                self.assertLessEqual(self.check("overflow()"), 0)
        self.browser.screenshot(self.path("narrow.png"))

    def test_colours_change_evenly_and_by_lightness(self):
        # Of a report without and one with negative values: the sequential and the diverging ramp.
        for theme in THEMES:
            self.open("middle", theme)
            lightness = [colour[0] for colour in self.check("legend('patterns')")]
            rises = [after - before for before, after in zip(lightness, lightness[1:])]
            self.assertGreater(abs(lightness[-1] - lightness[0]), 0.6)
            self.assertTrue(all(rise * rises[-1] >= -1e-3 for rise in rises))
            # A quarter of the scale is a quarter of the way.
            quarters = [abs(lightness[round(len(lightness) * part) - 1] - lightness[round(len(lightness) * (part - 0.25))])
                        for part in (0.25, 0.5, 0.75, 1)]
            self.assertLess(max(quarters), 1.35 * min(quarters))

            colours = self.check("legend('differences')")
            middle = len(colours) // 2
            for step in range(1, middle):
                # Equal sizes are about equally light, and never the same colour: blue on one side, orange on the other.
                below, above = colours[middle - 1 - step], colours[middle + step]
                self.assertLess(abs(below[0] - above[0]), 0.1)
                self.assertLess(below[2], above[2])

    def test_the_pointer_shows_a_head_on_every_map(self):
        self.open("middle")
        self.browser.move_pointer(*self.check("cellCentre(1, 3, 7)"))
        for index, readout in enumerate(self.check("readouts()")):
            self.assertEqual(readout, f"layer 3 head 7: {self.check(f'tableValue({index}, 3, 7)')}")
        self.assertIn("±", self.check("readouts()")[0])
        self.browser.screenshot(self.path("pointer.png"))
        self.browser.move_pointer(1, 1)
        self.assertEqual(set(self.check("readouts()")), {""})

    def test_the_keyboard_walks_through_heads(self):
        self.open("small")
        self.browser.evaluate("document.querySelector('#small-values').focus()")
        self.browser.press("Tab", 9)
        self.assertEqual(self.browser.evaluate("document.activeElement.getAttribute('aria-label')"),
                         "0: arrow keys walk through the heads")
        for key, code, place in (("ArrowRight", 39, "layer 0 head 1"), ("ArrowDown", 40, "layer 1 head 1"),
                                 ("End", 35, "layer 1 head 3"), ("ArrowRight", 39, "layer 1 head 3"),
                                 ("PageDown", 34, "layer 3 head 3"), ("ArrowLeft", 37, "layer 3 head 2")):
            self.browser.press(key, code)
            spoken = self.browser.evaluate("document.querySelector('[role=status]').textContent")
            self.assertTrue(spoken.startswith(place + ": "), spoken)
            self.assertEqual(self.check("readouts()")[0], spoken)
        self.browser.screenshot(self.path("keyboard.png"))
        self.browser.press("Escape", 27)
        self.assertEqual(set(self.check("readouts()")), {""})

    def test_layer_means_are_switched(self):
        for scripts in (True, False):
            with self.subTest(scripts=scripts):
                self.open("small", scripts=scripts)
                self.assertEqual(set(self.check("shownMeasures()")), {"kept"})
                self.browser.evaluate("document.querySelector('#means-removed').checked = true")
                self.assertEqual(set(self.check("shownMeasures()")), {"removed"})

    def test_maps_are_coloured_by_one_scale_or_each_by_its_own(self):
        for scripts in (True, False):
            with self.subTest(scripts=scripts):
                self.open("middle", scripts=scripts)
                largest = self.check("largestShades('patterns')")
                self.assertEqual(len(largest), 6)
                self.assertEqual(max(largest), 1)
                self.assertLess(min(largest), 1)
                self.browser.evaluate("document.querySelector('#own-scale').checked = true")
                self.assertEqual(self.check("largestShades('patterns')"), [1] * 6)
                self.assertEqual(self.check("badFigures()"), [])
        self.browser.screenshot(self.path("own-scales.png"))

    def test_small_values_are_emphasised_in_colours_and_legend(self):
        self.open("middle")
        before = self.check("legend('patterns')")
        self.browser.evaluate("document.querySelector('#small-values').checked = true")
        after = self.check("legend('patterns')")
        quarter = len(before) // 4
        self.assertLess(after[quarter][0], before[quarter][0] - 0.05)
        self.assertEqual((after[0], after[-1]), (before[0], before[-1]))

    def test_is_complete_without_scripts(self):
        self.open("middle", scripts=False)
        self.assertEqual(self.check("badFigures()"), [])
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('[role=status], [role=application]').length"), 0)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('figure.map table').length"), 12)
        self.browser.screenshot(self.path("without-scripts.png"))

    def test_prints_on_white_with_all_measures(self):
        self.open("middle", "dark", media="print")
        self.assertEqual(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
        self.assertEqual(set(self.check("shownMeasures()")), {"kept", "removed"})
        self.assertEqual(self.check("lowContrast()"), [])
        self.browser.print_pdf(self.path("middle.pdf"))
        with open(self.path("middle.pdf"), "rb") as file:
            self.assertEqual(file.read(4), b"%PDF")

    def test_hostile_text_is_only_text(self):
        self.open("hostile")
        self.assertEqual(self.browser.evaluate("document.title"), HOSTILE)
        self.assertEqual(self.browser.evaluate("document.querySelector('h1').textContent"), HOSTILE)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('img').length"), 0)
        self.assertEqual(self.browser.evaluate("document.scripts.length"), 1)


def main():
    writer, ReportInBrowser.folder = sys.argv[1:]
    executable = find_browser()
    if executable is None:
        print("skipped: no chromium; deploy/install-packages.sh test installs it")
        return 77
    os.makedirs(ReportInBrowser.folder, exist_ok=True)
    subprocess.run([writer, ReportInBrowser.folder], check=True)
    with Browser(executable) as ReportInBrowser.browser:
        program = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2)
    return 0 if program.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
