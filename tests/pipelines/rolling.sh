#!/bin/sh
# Releases REVISION of a service that ECS replaces in place. The exit code is 6 if the circuit breaker or an alarm rolls
# it back. Usage: rolling.sh SERVICE REVISION
set -eu
tidegate start "$1" --task-definition "$2" --yes --wait --timeout 1h
