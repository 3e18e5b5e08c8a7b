"""How far tidegate reaches: time and requests on a simulated account with AWS's quotas and 50 ms a call.

Serves accounts of several sizes with `tidegate sim`, asks them with `tidegate`, and prints a table. Fails if a figure
is above its limit. Needs Python's standard library and a built tidegate; takes about three minutes.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request

ROWS, COLUMNS = 60, 200
LATENCY = 50


class Account:
    """A simulated account that is being served."""

    def __init__(self, sim, *options):
        command = [sim, "sim", "--latency", str(LATENCY), "--quotas", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.state = tempfile.TemporaryDirectory()
        self.variables = {**os.environ, "XDG_STATE_HOME": self.state.name, "TERM": "xterm-256color"}
        for line in self.process.stdout:
            name, value = line.removeprefix("export ").strip().split("=", 1)
            self.variables[name] = value
            if name == "TIDEGATE_CLOCK":
                break

    def counts(self):
        with urllib.request.urlopen(self.variables["AWS_ENDPOINT_URL"] + "/calls") as answer:
            return json.load(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.state.cleanup()


class Screen:
    """As much of a terminal as a console's frames need."""

    def __init__(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0
        self.rest = ""

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            sequence = re.compile(r"\x1b(?:\[([0-9;?<>=]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])").match(text, at)
            if not sequence:
                self.rest = text[at:]
                return
            if sequence.group(2) == "H":
                row, _, column = (sequence.group(1) or "1;1").partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif sequence.group(2) == "J":
                self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
            at = sequence.end()

    def put(self, character):
        if character in "\r\n":
            self.column = 0 if character == "\r" else self.column
            self.row += character == "\n"
        elif self.row < ROWS and self.column < COLUMNS:
            self.cells[self.row][self.column] = character
            self.column += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)


class Console:
    """A console in a terminal of its own."""

    def __init__(self, tidegate, account):
        self.begun = time.monotonic()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(tidegate, [tidegate], account.variables)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.screen = Screen()

    def until(self, shows, limit):
        """Seconds since the start until the screen shows something; None after the limit."""
        while (passed := time.monotonic() - self.begun) < limit:
            if shows(self.screen.text()):
                return passed
            if select.select([self.terminal], [], [], 0.02)[0]:
                self.screen.feed(os.read(self.terminal, 1 << 16).decode(errors="replace"))
        return None

    def used(self):
        """Seconds of the processor, and resident MiB."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return seconds, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Table:
    def __init__(self):
        self.rows, self.missed = [], 0

    def add(self, what, value, limit=None, unit=""):
        shown = "never" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
        missed = limit is not None and (value is None or value > limit)
        self.missed += missed
        wanted = "" if limit is None else f"≤ {limit}{unit}"
        self.rows.append(f"| {what} | {shown}{unit} | {wanted}{' MISSED' if missed else ''} |")
        print(self.rows[-1], flush=True)


def ask(table, name, arguments, options, limits, shows):
    """Runs a command on a fresh account, and checks that its answer shows something."""
    with Account(options.sim, *arguments) as account:
        begun = time.monotonic()
        ran = subprocess.run([options.tidegate, *name.split()], env=account.variables, capture_output=True, text=True)
        passed, total = time.monotonic() - begun, account.counts()["total"]
    what = f"`{name}`, {' '.join(arguments[2:]) or 'nothing else'}"
    table.add(f"{what}: time", passed, limits.get("time"), " s")
    table.add(f"{what}: requests", total["calls"], limits.get("calls"))
    table.add(f"{what}: throttled", total["throttled"], 0)
    if ran.returncode != 0 or not shows(ran.stdout):
        table.missed += 1
        print(f"exit {ran.returncode}, an unexpected answer:\n{ran.stdout[:500]}\n{ran.stderr[:500]}")


def console(table, balancers, options):
    """The console's first rows, its complete list, and a minute in which nothing happens."""
    services = options.services
    with Account(options.sim, "--scenario", "shop", "--services", str(services), "--load-balancers", balancers) as account:
        opened = Console(options.tidegate, account)
        try:
            what = f"console, {services} services, {balancers} load balancers"
            table.add(f"{what}: first rows", opened.until(lambda text: " steady " in text, 60), 0.3, " s")
            complete = opened.until(
                lambda text: re.search(r" \d+ releases", text) and "so far" not in text and "rules" not in text, 120
            )
            table.add(f"{what}: complete", complete, 10, " s")
            time_before, _ = opened.used()
            before, begun = account.counts()["total"], time.monotonic() - opened.begun
            opened.until(lambda _: False, begun + options.quiet)
            after = account.counts()["total"]
            time_after, memory = opened.used()
            a_minute = 60 / options.quiet
            table.add(f"{what}: requests in a quiet minute", int((after["calls"] - before["calls"]) * a_minute), 600)
            table.add(f"{what}: throttled", after["throttled"], 0)
            table.add(f"{what}: of a core", (time_after - time_before) / options.quiet * 100, None, " %")
            table.add(f"{what}: memory", memory, None, " MiB")
        finally:
            opened.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tidegate", help="the tidegate that asks")
    parser.add_argument("--sim", help="the tidegate that serves; the same by default")
    parser.add_argument("--services", type=int, default=2000)
    parser.add_argument("--quiet", type=int, default=60, help="seconds that the console is left alone")
    options = parser.parse_args()
    options.sim = options.sim or options.tidegate
    table = Table()
    print("| what | measured | wanted |\n|---|---|---|")
    size = ["--services", str(options.services)]
    for balancers in ["0", "20"]:
        arguments = ["--scenario", "shop", *size, "--load-balancers", balancers]
        whole = lambda text: len(json.loads(text)["services"]) >= options.services - 1
        ask(table, "status --json", arguments, options, {"time": 10, "calls": 300}, whole)
    for balancers in ["0", "20", "60", "200"]:
        arguments = ["--scenario", "good-release", "--load-balancers", balancers]
        paired = lambda text: re.search(r"checkout +weighted", text)
        ask(table, "status", arguments, options, {}, paired)
        ask(table, "rollback checkout --dry-run", arguments, options, {"time": 2}, lambda text: "ModifyRule" in text)
    arguments = ["--scenario", "shop", *size, "--load-balancers", "20"]
    ask(table, "rollback svc-0042 --to :1 --dry-run", arguments, options, {"time": 2}, lambda text: "UpdateService" in text)
    for balancers in ["0", "20"]:
        console(table, balancers, options)
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
