"""A small exporter: what a service counts of its own requests, by revision, as Prometheus scrapes it.

Two apps serve 50 requests a second with each revision, all counted from a beginning that is given, so that a history
made by `history()` and what is scraped later are of one piece. The canary of app `bad` gets nothing until somebody
POSTs to /release; from then on one request in five fails.
"""

import http.server
import sys
import time

STABLE, CANARY = 41, 42
RATE = 50
# Of a request's time, by bucket in seconds: how many of a hundred are at most as slow.
BUCKETS = {"0.05": 30, "0.1": 80, "0.25": 96, "0.5": 99, "1": 100, "+Inf": 100}


def counted(app, revision, seconds, bad):
    """One revision's samples after it has served for so long: name, labels, value."""
    requests = int(max(seconds, 0) * RATE)
    errors = requests // 5 if bad else requests // 1000
    here = f'app="{app}",revision="{revision}"'
    yield "http_requests_total", f'{here},code="200"', requests - errors
    # Nobody counts an error before the first.
    if errors:
        yield "http_requests_total", f'{here},code="500"', errors
    for le, percent in BUCKETS.items():
        yield "http_request_duration_seconds_bucket", f'{here},le="{le}"', requests * percent // 100


def served(now, began, released):
    """All samples of a moment; `released` is when the bad canary was, or None."""
    for app, revision in [("good", STABLE), ("good", CANARY), ("bad", STABLE)]:
        yield from counted(app, revision, now - began, bad=False)
    if released is not None:
        yield from counted("bad", CANARY, now - released, bad=True)


def history(began, until, step=5):
    """The samples of a while as OpenMetrics text, as promtool takes it."""
    lines = {"http_requests": ["# TYPE http_requests counter"], "http_request_duration_seconds": []}
    for now in range(began, until + 1, step):
        for name, labels, value in served(now, began, None):
            family = "http_requests" if name.startswith("http_requests") else "http_request_duration_seconds"
            lines[family].append(f"{name}{{{labels}}} {value} {now}")
    return "\n".join([*lines["http_requests"], *lines["http_request_duration_seconds"], "# EOF", ""])


class Exporter(http.server.BaseHTTPRequestHandler):
    began = 0.0
    released = None

    def do_GET(self):
        samples = served(time.time(), Exporter.began, Exporter.released)
        self.answer("".join(f"{name}{{{labels}}} {value}\n" for name, labels, value in samples))

    def do_POST(self):
        Exporter.released = time.time()
        self.answer("released\n")

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Exporter.began = float(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    print(server.server_port, flush=True)
    server.serve_forever()
