"""Checks tidegate against what is not ours.

run            all of it: the models, then the checks on the foreign AWS
run models     the simulator's answers against botocore's models; names of scenarios may follow
run checks     the console and the commands on the foreign AWS; names of checks may follow
run serve      only the foreign AWS, filled, until interrupted; prints the variables to source
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

import checks
import models
import seed
import stack
import test_schema
from aws import Aws


def serve(work: pathlib.Path) -> int:
    with stack.foreign_aws(work) as env:
        seed.seed(Aws(env))
        for name, value in env.items():
            print(f"export {name}={value}")
        sys.stdout.flush()
        signal.pause()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where logs and state go")
    parser.add_argument("--binary", type=pathlib.Path, help="the tidegate to check; target/debug/tidegate by default")
    parser.add_argument("part", nargs="?", choices=["all", "models", "checks", "serve"], default="all")
    parser.add_argument("names", nargs="*", help="only these scenarios or checks")
    arguments = parser.parse_args()
    # Ending by a signal has to run the `finally` blocks, which stop what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work: pathlib.Path = arguments.work.resolve()
    # A unix socket's path has to be short, so the state of one run lives in a temporary directory.
    with tempfile.TemporaryDirectory(prefix="tidegate-", ignore_cleanup_errors=True) as directory:
        scratch = pathlib.Path(directory)
        try:
            if arguments.part == "serve":
                return serve(scratch)
            binary: pathlib.Path = (arguments.binary or work.parent / "debug" / "tidegate").resolve()
            if not binary.exists():
                print(f"{binary} is not there: cargo build first", file=sys.stderr)
                return 2
            right = True
            if arguments.part in ("all", "models"):
                checker = unittest.defaultTestLoader.loadTestsFromModule(test_schema)
                right = unittest.TextTestRunner().run(checker).wasSuccessful()
                right = models.check(binary, scratch / "sim.log", arguments.names) and right
            if arguments.part in ("all", "checks"):
                right = checks.run(binary, scratch, arguments.names) and right
            return 0 if right else 1
        finally:
            logs = work / "logs"
            logs.mkdir(parents=True, exist_ok=True)
            for log in scratch.glob("*.log"):
                shutil.copy(log, logs)


if __name__ == "__main__":
    sys.exit(main())
