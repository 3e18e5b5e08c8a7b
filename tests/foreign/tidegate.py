"""The tidegate binary, as a command and as a console on a terminal of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pexpect
import pyte

ROWS, COLUMNS = 40, 120


@dataclasses.dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.stdout}\n{self.stderr}".strip()


class Console:
    """The console's screen, read as a terminal shows it."""

    def __init__(self, process: pexpect.spawn[Any]) -> None:
        self._process = process
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        self._process.send(keys)

    def wait(self, condition: str | Callable[[str], bool], what: str = "", seconds: float = 20) -> str:
        """Reads until the screen fits a regular expression or a condition; fails with the screen as it is."""
        fits = condition if callable(condition) else lambda text: re.search(condition, text) is not None
        deadline = time.monotonic() + seconds
        while not fits(self.text()):
            if time.monotonic() > deadline:
                raise AssertionError(f"the screen never showed {what or condition}:\n{self.text()}")
            with contextlib.suppress(pexpect.TIMEOUT):
                try:
                    self._stream.feed(self._process.read_nonblocking(65536, timeout=0.1))
                except pexpect.EOF:
                    raise AssertionError(
                        f"the console ended before it showed {what or condition}:\n{self.text()}"
                    ) from None
        return self.text()

    def quit(self) -> int | None:
        """Presses `q` and reads to the end; the exit code."""
        self.press("q")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self._stream.feed(self._process.read_nonblocking(65536, timeout=0.1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                self._process.wait()
                code: int | None = self._process.exitstatus
                return code
        raise AssertionError(f"q does not end the console:\n{self.text()}")


class Tidegate:
    """Runs the binary with a home of its own."""

    def __init__(self, binary: pathlib.Path, env: dict[str, str], home: pathlib.Path) -> None:
        self.binary = binary
        self.home = home
        self.config = home / "config" / "tidegate" / "config.toml"
        self.config.parent.mkdir(parents=True)
        self.state = home / "state"
        self._env = {
            **env,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "TIDEGATE_STATE_DIR": str(self.state),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
        }

    def run(self, *arguments: str, seconds: float = 180, **env: str) -> Result:
        """Runs a command without a terminal."""
        done = subprocess.run(
            [str(self.binary), *arguments],
            env={**self._env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def expect(self, code: int, *arguments: str, seconds: float = 180, **env: str) -> Result:
        """Runs a command that has to end with this exit code."""
        result = self.run(*arguments, seconds=seconds, **env)
        assert result.code == code, f"tidegate {' '.join(arguments)}: expected exit code {code}, got {result}"
        return result

    @contextlib.contextmanager
    def console(self, *arguments: str) -> Iterator[Console]:
        """The console on a terminal; it ends with the block, whatever happens in it. It has an audit of its own: what
        others did would stand among its events, and be taken for what it does."""
        env = {**self._env, "TIDEGATE_STATE_DIR": tempfile.mkdtemp(dir=self.state.parent)}
        process = pexpect.spawn(
            str(self.binary), list(arguments), env=env, dimensions=(ROWS, COLUMNS), timeout=10
        )
        try:
            yield Console(process)
        finally:
            process.close(force=True)
