"""The project's programs, and how they are run."""

import os
import pathlib
import subprocess
import sys
import time

BIN = pathlib.Path(os.environ.get("HEADSCOPE_BIN", pathlib.Path(__file__).resolve().parents[3] / "build/release/bin"))


class ProgramError(Exception):
    """A program ended badly; the message holds what it said, `status` how it ended."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def check_programs():
    for program in ("headscope", "headscope-server", "headscope-trainer", "headscope-worker"):
        if not os.access(BIN / program, os.X_OK):
            raise ProgramError(f"there is no {program} in {BIN}: build it, or name its folder in HEADSCOPE_BIN")


def run(program, *arguments):
    """What the program prints. It computes with lower priority than what else the machine does."""
    command = [str(BIN / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.nice(5))
    if done.returncode != 0:
        raise ProgramError(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.strip()}",
                           done.returncode)
    return done.stdout
