"""The verdict from a real Prometheus: an hour of its past at once, and what it scrapes as it happens.

Three programs run meanwhile, all on the loopback: the exporter, Prometheus, which scrapes it every second, and
`tidegate sim` for the rest of AWS. Exits with 1 and what was seen where a verdict is not what it has to be.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request

import exporter

HERE = pathlib.Path(__file__).resolve().parent
HOUR = 3600
# Of everything together: two minutes have to pass, and to settle.
DEADLINE = time.monotonic() + 235

CONFIG = """
bake = "2m"

[prometheus]
url = "{url}"

[services.checkout.metrics]
source = "prometheus"
requests = 'sum(increase(http_requests_total{{app="{app}", revision="{{revision}}"}}[1m]))'
errors = 'sum(increase(http_requests_total{{app="{app}", revision="{{revision}}", code=~"5.."}}[1m]))'
p95 = '''histogram_quantile(0.95, sum by (le) (increase(
  http_request_duration_seconds_bucket{{app="{app}", revision="{{revision}}"}}[1m])))'''
histogram = '''sum by (le) (increase(
  http_request_duration_seconds_bucket{{app="{app}", revision="{{revision}}"}}[1m]))'''
"""

SCRAPE = """
global:
  scrape_interval: 1s
  query_log_file: {log}
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


class Wrong(Exception):
    """Something is not as it has to be."""


def left():
    seconds = DEADLINE - time.monotonic()
    if seconds <= 0:
        raise Wrong("out of time")
    return seconds


def until(what, look, every=1.0):
    """Looks until it is so; says what was seen last where it never was."""
    seen = None
    while True:
        try:
            left()
        except Wrong:
            raise Wrong(f"waited for {what}; last seen: {seen}") from None
        good, seen = look()
        if good:
            return seen
        time.sleep(every)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def running(command, **more):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(url, post=False):
    request = urllib.request.Request(url, method="POST" if post else "GET")
    # Whatever proxy is set is for elsewhere.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=5) as answer:
        return answer.read()


def ready(url):
    try:
        ask(f"{url}/-/ready")
        return True, "ready"
    except (urllib.error.URLError, OSError) as error:
        return False, error


def exports(sim):
    """The environment that `tidegate sim` prints."""
    lines = {}
    for line in sim.stdout:
        if line.startswith("export "):
            name, value = line.removeprefix("export ").strip().split("=", 1)
            lines[name] = value
            if name == "TIDEGATE_CLOCK":
                return lines
    raise Wrong("tidegate sim ended before it served")


class Tidegate:
    def __init__(self, binary, environment):
        self.binary, self.environment = binary, environment

    def verdict(self, config):
        command = [self.binary, "status", "checkout", "--json", "--config", config]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=min(60, left()), check=False
        )
        if done.returncode != 0:
            raise Wrong(f"{' '.join(map(str, command))} exited with {done.returncode}: {done.stdout}{done.stderr}")
        (release,) = json.loads(done.stdout)["services"]
        return release["verdict"], done.stderr

    def open(self, config, enough):
        """Opens the release in a console, and leaves once it is `enough`."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(self.binary, [str(self.binary), "--config", str(config), "--read-only"], self.environment)
        # One after the other: what comes at once is taken for a text that was pasted.
        drawn, keys = b"", [b"/", b"checkout", b"\r", b"\r"]
        try:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
            pressed = time.monotonic()
            while keys or not enough():
                left()
                if select.select([terminal], [], [], 1)[0]:
                    drawn += os.read(terminal, 65536)
                if keys and b"checkout" in drawn and time.monotonic() > pressed + 0.5:
                    os.write(terminal, keys.pop(0))
                    pressed = time.monotonic()
        finally:
            with contextlib.suppress(OSError):
                os.write(terminal, b"\x03")
            os.close(terminal)
            os.waitpid(pid, 0)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("prometheus", "tidegate", "work"):
        arguments.add_argument(f"--{name}", type=pathlib.Path, required=True)
    given = arguments.parse_args()
    work = given.work / "run"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    now = int(time.time())
    began = now - HOUR - HOUR // 6
    (work / "history.txt").write_text(exporter.history(began, now - 5))
    promtool = given.prometheus / "promtool"
    blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", work / "history.txt", work / "data"]
    subprocess.run(blocks, check=True, stdout=subprocess.DEVNULL, timeout=60)

    with contextlib.ExitStack() as stack:

        def start(*command, **more):
            return stack.enter_context(running(command, **more))

        source = start(sys.executable, HERE / "exporter.py", str(began), stdout=subprocess.PIPE, text=True)
        scraped = f"http://127.0.0.1:{int(source.stdout.readline())}"
        log = work / "queries.log"
        (work / "prometheus.yml").write_text(SCRAPE.format(port=scraped.rsplit(":", 1)[1], log=log))
        url = f"http://127.0.0.1:{free_port()}"
        start(
            given.prometheus / "prometheus",
            f"--config.file={work / 'prometheus.yml'}",
            f"--storage.tsdb.path={work / 'data'}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--log.level=error",
        )
        sim = start(given.tidegate, "sim", "--scenario", HERE / "half.toml", stdout=subprocess.PIPE, text=True)
        ours = {"TIDEGATE_STATE_DIR": str(work / "state"), "TERM": "xterm-256color"}
        environment = {**os.environ, **exports(sim), **ours}
        tidegate = Tidegate(given.tidegate, environment)
        until("Prometheus", lambda: ready(url), every=0.2)
        for app in ("good", "bad"):
            (work / f"{app}.toml").write_text(CONFIG.format(url=url, app=app))
        good, bad = work / "good.toml", work / "bad.toml"

        def outcome(config, wanted):
            verdict, remarks = tidegate.verdict(config)
            seen = f"{verdict['outcome']}: {json.dumps(verdict['reasons'], ensure_ascii=False)} {remarks}"
            return verdict["outcome"] == wanted, seen

        passed = until("PASS", lambda: outcome(good, "pass"))
        print("a canary that is as good, over an hour of Prometheus' past:", passed)
        slow = tidegate.verdict(good)[0]["latency"].get("slow_requests")
        print("its slow requests:", slow)
        if not slow or slow["evidence"] > 1 or slow["canary"] != slow["stable"]:
            raise Wrong("the histograms of both sides, which are alike, have to be compared")
        first, seen = outcome(bad, "not_yet")
        print("a canary that nobody has asked for anything yet:", seen)
        if not first:
            raise Wrong("without a request of the canary the verdict has to be NOT YET")
        ask(f"{scraped}/release", post=True)

        def live():
            """How often the newest was asked for that Prometheus has scraped, between two whole minutes."""
            asked = [json.loads(line)["params"] for line in log.read_text().splitlines()]
            return sum(one["step"] == 5 and ":00.000Z" not in one["end"] for one in asked)

        before = live()
        tidegate.open(bad, lambda: live() > before + 6)
        print("the open release is asked for every five seconds:", live() - before, "queries")

        def fails():
            verdict, _ = tidegate.verdict(bad)
            seen = f"{verdict['outcome']}: {json.dumps(verdict['reasons'], ensure_ascii=False)}"
            if verdict["outcome"] == "pass":
                raise Wrong(f"a canary of which one request in five fails must never pass: {seen}")
            return verdict["outcome"] == "fail", seen

        print("a canary of which one request in five fails, as it is scraped:", until("FAIL", fails, every=3))


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"tests/prometheus: {wrong}")
