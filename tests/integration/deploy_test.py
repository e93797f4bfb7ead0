"""What no container engine is at hand for: files, packages, users and flags that deployment names must exist."""

import os
import re
import subprocess
import unittest

from harness import BIN, SOURCE

DOCKERFILE = (SOURCE / "Dockerfile").read_text()
COMPOSE = (SOURCE / "deploy/compose/compose.yaml").read_text()
QUICKSTART = (SOURCE / "deploy/quickstart.sh").read_text()


def packages(name):
    lines = (SOURCE / f"deploy/packages/{name}.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def help_of(program):
    return subprocess.run([str(BIN / program), "--help"], capture_output=True, text=True, timeout=60).stdout


def libraries(program):
    out = subprocess.run(["ldd", str(BIN / program)], capture_output=True, text=True, check=True).stdout
    # Where alternatives lead (libblas.so.3), no package owns the link itself.
    return [os.path.realpath(path) for path in re.findall(r"=> (/\S+)", out)]


def owners(paths):
    """The package that brings each path; asked once, since every question costs a scan."""
    candidates = {c: path for path in paths for c in (path, path.removeprefix("/usr"), "/usr" + path)}
    shown = subprocess.run(["dpkg-query", "-S", *candidates], capture_output=True, text=True).stdout
    found = {}
    for line in shown.splitlines():
        package, _, path = line.partition(": ")
        if path in candidates:
            found[candidates[path]] = package.split(":")[0].split(",")[0]
    return found


def installed():
    """Package -> the packages it depends on, of everything installed."""
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\n"],
                           capture_output=True, text=True, check=True).stdout
    table = {}
    for line in shown.splitlines():
        name, _, depends = line.partition("\t")
        table.setdefault(name, set()).update(
            part.split()[0].split(":")[0] for part in re.split(r"[,|]", depends) if part.strip())
    return table


def closure(names):
    """The packages and everything they depend on."""
    table, seen, todo = installed(), set(), list(names)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(table.get(name, ()))
    return seen


class DeployTest(unittest.TestCase):
    def test_copied_paths_exist(self):
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
            for source in line.split()[:-1]:
                self.assertTrue((SOURCE / source).exists(), source)
        for program in re.findall(r"/src/build/release/bin/(\S+)", DOCKERFILE):
            self.assertTrue((BIN / program).exists(), program)

    def test_every_package_list_named_exists_and_its_packages_are_real(self):
        for name in re.findall(r"^(?:RUN )?\S*install-packages\.sh ([a-z ]+)", DOCKERFILE + QUICKSTART, re.M):
            for word in name.split():
                self.assertTrue(packages(word), word)

    def test_runtime_packages_bring_every_shared_library(self):
        for program, image in (("headscope-server", "server"), ("headscope", "server"), ("headscope-worker", "worker"),
                               ("headscope", "worker")):
            provided = closure(packages(image))
            needed = libraries(program)
            packages_of = owners(needed)
            for library in needed:
                self.assertIn(library, packages_of)
                self.assertIn(packages_of[library], provided, f"{program} needs {library}")

    def test_server_and_client_do_not_link_libtorch(self):
        for program in ("headscope-server", "headscope"):
            self.assertFalse([lib for lib in libraries(program) if "torch" in lib or "c10" in lib], program)

    def test_flags_are_known(self):
        for program, text in (("headscope-server", re.search(r"  server:.*?(?=\n  worker-1)", COMPOSE, re.S)[0]),
                              ("headscope-worker", re.search(r"  worker-1:.*?(?=\n  prometheus)", COMPOSE, re.S)[0])):
            known = help_of(program)
            for flag in re.findall(r"(--[a-z][a-z-]+)=", text):
                self.assertIn(flag, known, program)
        for program in ("headscope-server", "headscope-worker"):
            for entry in re.findall(rf'ENTRYPOINT \["{program}"(.*)\]', DOCKERFILE):
                for flag in re.findall(r"--[a-z-]+", entry):
                    self.assertIn(flag, help_of(program))
        for flag in re.findall(r"(--[a-z-]+)", re.search(r'headscope-server" (.*?)2>', QUICKSTART, re.S)[1]):
            self.assertIn(flag, help_of("headscope-server"))
        self.assertIn("health", help_of("headscope"))

    def test_images_run_as_nobody_in_particular(self):
        stages = DOCKERFILE.split("\nFROM ")
        for stage in stages:
            if re.search(r"ENTRYPOINT", stage):
                self.assertIn("USER 10001:10001", stage)
                self.assertIn("HEALTHCHECK", stage)
                self.assertLess(stage.index("install-packages.sh"), stage.index("USER"))

    def test_the_two_commands_are_executable(self):
        for path in ("deploy/quickstart.sh", "tests/run.sh", ".ci/run", "deploy/install-packages.sh"):
            self.assertTrue((SOURCE / path).stat().st_mode & 0o111, path)

    def test_quickstart_and_dockerfile_build_the_same_way(self):
        for line in ("cmake --preset release -DHEADSCOPE_BUILD_TESTS=OFF",
                     "cmake --build --preset release --target headscope-server headscope-worker headscope",
                     "deploy/install-packages.sh build"):
            self.assertIn(line, DOCKERFILE)
            self.assertIn(line, QUICKSTART)

    def test_loud_where_unauthenticated(self):
        self.assertIn("--insecure-allow-unauthenticated", COMPOSE)
        self.assertIn("WARNING", COMPOSE)
        for published in re.findall(r'ports: \["([^"]+)"', COMPOSE):
            self.assertTrue(published.startswith("127.0.0.1:"), published)


if __name__ == "__main__":
    unittest.main()
