#!/bin/sh
# Releases REVISION of a pair: 1 %, 10 % and 100 %, each on a PASS, then the finish. A FAIL, an error and a signal end
# in a rollback. Usage: weighted.sh SERVICE REVISION
set -eu
trap 'tidegate rollback "$1" --yes --reason "the pipeline ended early"' EXIT
trap 'exit 1' INT TERM
tidegate start "$1" --task-definition "$2" --yes --wait --timeout 20m
for share in 1 10 100; do
  tidegate step "$1" --to "$share" --yes --timeout 20m
  tidegate watch "$1" --until pass --timeout 2h
done
tidegate finish "$1" --require-pass --yes --wait --timeout 1h
trap - EXIT
