"""What no container engine is at hand for: files, packages, users and flags that deployment names must exist."""

import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import BIN, SOURCE

DOCKERFILE = (SOURCE / "Dockerfile").read_text()
COMPOSE = (SOURCE / "deploy/compose/compose.yaml").read_text()
PROMETHEUS = (SOURCE / "deploy/prometheus/prometheus.yml").read_text()
QUICKSTART = (SOURCE / "deploy/quickstart.sh").read_text()
PAPER = (SOURCE / "deploy/paper/repeat.sh").read_text()


def packages(name):
    lines = (SOURCE / f"deploy/packages/{name}.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def flags_of(program, *command):
    """The flags that a program, or one of its commands, explains."""
    shown = subprocess.run([str(BIN / program), *command, "--help"], capture_output=True, text=True, timeout=60).stdout
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]*)", shown, re.M))


def flags_in(text):
    return re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", text)


def services():
    """name -> text of every service of the compose file, anchors filled in."""
    block = re.search(r"^services:\n(.*?)^\S", COMPOSE, re.S | re.M)[1]
    parts = re.split(r"^  ([a-z0-9-]+):", block, flags=re.M)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    anchors = {anchor: text for text in found.values() for anchor in re.findall(r"\A &(\w+)", text)}
    return {name: text + "".join(anchors[anchor] for anchor in re.findall(r"<<: \*(\w+)", text))
            for name, text in found.items()}


def entrypoint(program):
    return re.search(rf'^ENTRYPOINT \["{program}"(.*)\]', DOCKERFILE, re.M)[1]


def health_checks():
    return [json.loads(command) for command in re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.M)]


def known_to_apt(names):
    """Those of `names` that are installed or that apt could install."""
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n", *names], capture_output=True, text=True).stdout
    found = set(shown.split()) & set(names)
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", *names], capture_output=True, text=True).stdout
    return found | set(re.findall(r"^Package: (\S+)$", shown, re.M))


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

    def test_every_package_list_named_exists(self):
        for name in re.findall(r"^ *(?:RUN )?\S*install-packages\.sh\"? ([a-z ]+)", DOCKERFILE + QUICKSTART + PAPER, re.M):
            for word in name.split():
                self.assertTrue(packages(word), word)

    def test_every_package_is_one_of_debian_12(self):
        if not shutil.which("apt-cache") or not shutil.which("dpkg-query"):
            self.skipTest("there is no apt here to ask")
        release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', pathlib.Path("/etc/os-release").read_text(), re.M))
        if (release.get("ID"), release.get("VERSION_ID")) != ("debian", "12"):
            self.skipTest("the lists name packages of Debian 12, and this is another system")
        names = {name for path in (SOURCE / "deploy/packages").glob("*.txt") for name in packages(path.stem)}
        unknown = names - known_to_apt(names)
        if unknown and not glob.glob("/var/lib/apt/lists/*_Packages*"):
            self.skipTest(f"apt has no package lists, so {', '.join(sorted(unknown))} cannot be looked up")
        self.assertFalse(unknown)

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
        for program, service in (("headscope-server", "server"), ("headscope-worker", "worker-1"),
                                 ("headscope-worker", "worker-2")):
            command = re.search(r"command:(.*?)\n    \w", services()[service], re.S)[1]
            self.assertTrue(flags_in(command), service)
            self.assertLessEqual(set(flags_in(command)), flags_of(program), service)
            self.assertLessEqual(set(flags_in(entrypoint(program))), flags_of(program))
        started = re.search(r'headscope-server" (.*?)2>', QUICKSTART, re.S)[1]
        self.assertLessEqual(set(flags_in(started)), flags_of("headscope-server"))
        self.assertFalse({"--no-such-flag"} & flags_of("headscope-server"))

    def test_health_checks_ask_what_the_images_serve(self):
        checks = health_checks()
        self.assertEqual(len(checks), 2)
        for command in checks:
            known = flags_of(command[0], "health") | flags_of(command[0])
            self.assertLessEqual(set(flags_in(" ".join(command))), known)
            # Nobody need be there; a command line that makes no sense would be status 2.
            done = subprocess.run([str(BIN / command[0]), *command[1:]], capture_output=True, text=True, timeout=60)
            self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        server, worker = (" ".join(command) for command in checks)
        listen = re.search(r"--listen=\S+:(\d+)", services()["server"])[1]
        self.assertIn(f":{listen} ", server)
        self.assertIn(re.search(r'--metrics-listen", "\S+:(\d+)"', entrypoint("headscope-worker"))[1], worker)

    def test_addresses_name_services_and_their_ports(self):
        server = services()["server"]
        served = {"server": re.search(r"--metrics-listen=\S+:(\d+)", server)[1]}
        for name in services():
            if name.startswith("worker-"):
                served[name] = re.search(r'--metrics-listen", "\S+:(\d+)"', entrypoint("headscope-worker"))[1]
                dialled = re.search(r"--server=(\S+?):(\d+)", services()[name])
                self.assertEqual(dialled[1], "server")
                self.assertEqual(dialled[2], re.search(r"--worker-listen=\S+:(\d+)", server)[1])
        targets = dict(target.split(":") for line in re.findall(r"targets: \[(.*)\]", PROMETHEUS)
                       for target in re.findall(r'"([^"]+)"', line))
        self.assertEqual(targets, served)

    def test_images_run_as_nobody_in_particular(self):
        stages = DOCKERFILE.split("\nFROM ")
        for stage in stages:
            if re.search(r"ENTRYPOINT", stage):
                self.assertIn("USER 10001:10001", stage)
                self.assertIn("HEALTHCHECK", stage)
                self.assertLess(stage.index("install-packages.sh"), stage.index("USER"))

    def test_the_commands_are_executable(self):
        for path in ("deploy/quickstart.sh", "deploy/paper/repeat.sh", "tests/run.sh", ".ci/run", "deploy/install-packages.sh"):
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
