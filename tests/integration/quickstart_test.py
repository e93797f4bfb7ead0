"""deploy/quickstart.sh with packages and build taken as done: what it starts, shows and leaves behind."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN, SOURCE

PROGRAMS = ("headscope", "headscope-server", "headscope-worker")


def write_program(path, text):
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="headscope-test-"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.root, self.temporary = self.scratch / "clone", self.scratch / "tmp"
        shutil.copytree(SOURCE / "deploy", self.root / "deploy")
        write_program(self.root / "deploy/install-packages.sh", "exit 0\n")
        # A real configure step would rebuild the very programs that are being tested.
        (self.scratch / "shims").mkdir()
        write_program(self.scratch / "shims/cmake", f'echo "$*" >> {self.scratch}/cmake.log\n')
        self.bin = self.root / "build/release/bin"
        self.bin.mkdir(parents=True)
        for program in PROGRAMS:
            (self.bin / program).symlink_to(BIN / program)
        self.temporary.mkdir()

    def run_it(self, *arguments):
        environment = os.environ | {"PATH": f"{self.scratch / 'shims'}:{os.environ['PATH']}",
                                    "TMPDIR": str(self.temporary)}
        return subprocess.run([str(self.root / "deploy/quickstart.sh"), *arguments], capture_output=True, text=True,
                              timeout=300, env=environment, cwd=self.scratch)

    def assert_nothing_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])
        for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(str(self.temporary), process.read_text(errors="replace"))
            except OSError:
                continue  # it has ended meanwhile

    def test_it_shows_which_heads_copy_and_leaves_nothing_behind(self):
        done = self.run_it()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cmake --preset release", f"cmake {(self.scratch / 'cmake.log').read_text()}")
        for word in ("demo", "llama", "top heads:\n  layer 3 head 2"):
            self.assertIn(word, done.stdout)
        self.assertIn("64 samples", done.stdout + done.stderr)
        self.assert_nothing_left()

    def test_it_takes_samples_of_ones_own(self):
        samples = self.root / "deploy/demo/samples/sort.jsonl"
        done = self.run_it(str(samples))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("attribute --model demo --data deploy/demo/samples/sort.jsonl", done.stderr)
        missing = self.run_it(str(self.scratch / "nowhere.jsonl"))
        self.assertEqual(missing.returncode, 2, missing.stderr)
        self.assertIn("nowhere.jsonl", missing.stderr)
        self.assert_nothing_left()

    def test_a_server_that_does_not_end_well_is_shown(self):
        (self.bin / "headscope-server").unlink()
        write_program(self.bin / "headscope-server", f'''
{BIN / "headscope-server"} "$@" &
trap 'kill -TERM $!; wait $!; echo "words of the server" >&2; exit 7' TERM
wait $!
''')
        done = self.run_it()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("top heads:", done.stdout)
        self.assertIn("words of the server", done.stderr)
        self.assertIn("the server ended with status 7", done.stderr)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
