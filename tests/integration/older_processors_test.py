"""The engine on processors without AVX-512, and without any AVX, as an emulator has them: no illegal instruction."""

import platform
import re
import shutil
import subprocess
import unittest

from harness import BIN, GOLDEN

EMULATOR = shutil.which("qemu-x86_64")


@unittest.skipUnless(platform.machine() == "x86_64", "instruction sets of x86-64")
@unittest.skipUnless(EMULATOR, "no qemu-x86_64; install qemu-user")
class OlderProcessorsTest(unittest.TestCase):
    def check(self, processor, dtype):
        cases = ("gpt2", "gemma2")
        done = subprocess.run([EMULATOR, "-cpu", processor, str(BIN / "headscope-engine-check"), "--engine", "fast",
                               "--dtype", dtype, "--threads", "2", "--golden", *(str(GOLDEN / case) for case in cases)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = re.findall(rf"^(\w+) +fast +{dtype} +(.*) (?:PASS|measured)$", done.stdout, re.MULTILINE)
        self.assertEqual([case for case, _ in rows], list(cases), done.stdout)
        for case, errors in rows:
            for error in errors.split():
                self.assertLess(float(error), 0.1 if dtype == "bfloat16" else 1e-4, f"{case}: {done.stdout}")

    # The golden models are small: what is asked for as float32 is computed in float64, and bfloat16 in float32.
    def test_without_any_avx(self):
        for dtype in ("float32", "bfloat16"):
            with self.subTest(dtype=dtype):
                self.check("Nehalem", dtype)

    def test_with_avx2(self):
        for dtype in ("float32", "bfloat16"):
            with self.subTest(dtype=dtype):
                self.check("Haswell", dtype)


if __name__ == "__main__":
    unittest.main()
