#!/usr/bin/env bash
# What `make test` runs: every test of the workspace; arguments go to the test runner. The container tests run where a
# Docker engine answers; where none does they are skipped loudly, and under CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

tests/prerequisites.sh

engine=0
tests/containers/engine.sh || engine=$?
case $engine in
0)
    tests/containers/images.sh
    export TM_TEST_CONTAINERS=1
    ;;
3) export TM_TEST_CONTAINERS=0 ;;
*) exit "$engine" ;;
esac

# Some tests run the programs themselves, which no test runner builds for another package's tests.
cargo build --workspace --bins --locked

if cargo nextest --version >/dev/null 2>&1; then
    runner=(cargo nextest run --workspace --locked)
else
    runner=(cargo test --workspace --locked)
fi
result=0
"${runner[@]}" "$@" || result=$?

[ "$result" = 0 ] && outcome=passed || outcome=FAILED
if [ "$TM_TEST_CONTAINERS" = 1 ]; then
    echo "Tests $outcome (${runner[1]}); container tests: included."
else
    echo "Tests $outcome (${runner[1]}); container tests: SKIPPED:"
    tests/containers/engine.sh || true
fi
exit "$result"
