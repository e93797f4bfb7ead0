"""A headless Chromium, driven by the DevTools protocol over a pipe: Python's standard library only."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading

CANDIDATES = ("chromium", "chromium-browser", "google-chrome")


def find_browser():
    """The path of a browser, or None."""
    return next((path for path in map(shutil.which, CANDIDATES) if path), None)


class Browser:
    """One browser process with one page. Context manager: the process ends with it."""

    def __init__(self, executable):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands_read, self._commands = os.pipe()
        self._answers, answers_write = os.pipe()
        # The protocol speaks on file descriptors 3 and 4. A browser run by root, as in containers, must give up its
        # sandbox; it opens our own files only.
        script = f'exec "$0" "$@" 3<&{commands_read} 4>&{answers_write}'
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking", "--disable-sync",
                 "--disable-component-update", f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(["bash", "-c", script, executable, *flags], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, pass_fds=(commands_read, answers_write))
        os.close(commands_read)
        os.close(answers_write)
        # Nothing waits for ever: a browser that hangs is ended, which closes the pipe that is read.
        self._watchdog = threading.Timer(540, self._process.kill)
        self._watchdog.start()
        self._buffer = b""
        self._last_id = 0
        self._session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._watchdog.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._profile.cleanup()

    def _read(self):
        while b"\0" not in self._buffer:
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise RuntimeError("the browser closed its pipe")
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _write(self, bytes_left):
        while bytes_left:
            bytes_left = bytes_left[os.write(self._commands, bytes_left):]

    def call(self, method, **parameters):
        """The result of a DevTools command; events that come before it are kept in `events`."""
        self._last_id += 1
        command = {"id": self._last_id, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        self._write(json.dumps(command).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def wait_for(self, event):
        """Reads until `event` has come since the last open()."""
        while not any(message["method"] == event for message in self.events):
            self.events.append(self._read())

    def open(self, path):
        """Loads a file from disk; events of earlier pages are forgotten."""
        self.events = []
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait_for("Page.loadEventFired")

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key, code=0):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def move_pointer(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def set_theme(self, theme, media=""):
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": theme}])

    def set_scripts(self, enabled):
        self.call("Emulation.setScriptExecutionDisabled", value=not enabled)

    def set_width(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path):
        """The whole page as PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def print_pdf(self, path):
        data = self.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def accessibility_tree(self):
        return self.call("Accessibility.getFullAXTree")["nodes"]
