#!/bin/sh
# Releases REVISION of a service whose CANARY strategy pauses before each step: the canary's share at once, 100 % on a
# PASS. A FAIL, an error and a signal end in a rollback. Usage: native.sh SERVICE REVISION
set -eu
trap 'tidegate rollback "$1" --yes --reason "the pipeline ended early"' EXIT
trap 'exit 1' INT TERM
tidegate start "$1" --task-definition "$2" --yes --timeout 20m
tidegate watch "$1" --until paused --timeout 1h
tidegate step "$1" --yes --timeout 20m
tidegate watch "$1" --until paused --timeout 1h
tidegate watch "$1" --until pass --timeout 2h
tidegate step "$1" --require-pass --yes --timeout 20m
tidegate watch "$1" --timeout 2h
trap - EXIT
