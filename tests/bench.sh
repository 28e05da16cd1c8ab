#!/usr/bin/env bash
# Measures: `bench.sh figures`, `bench.sh curves`, `bench.sh run`, each with the arguments that its `--help` lists, run
# the load generator; `bench.sh sizes` measures mailboxes of a thousand to a million messages. Where no Docker engine
# answers, what takes containers is left out, and the report says so.
set -euo pipefail
cd "$(dirname "$0")/.."

tests/prerequisites.sh

engine=0
tests/containers/engine.sh || engine=$?
case $engine in
0)
    tests/containers/images.sh --bench
    export TM_TEST_CONTAINERS=1
    ;;
3) export TM_TEST_CONTAINERS=0 ;;
*) exit "$engine" ;;
esac

if [ "${1:-}" = sizes ]; then
    cargo bench --locked -p turbomessage-tests --bench mailbox_size -- sqlite
    [ "$TM_TEST_CONTAINERS" = 0 ] ||
        cargo bench --locked -p turbomessage-tests --bench mailbox_size -- postgres
    exit
fi

# By name: together with the tests they would get features that are for tests only.
cargo build --release --locked --bins -p turbomessage-cli -p turbomessage-gateway -p turbomessage-auth-service \
    -p turbomessage-mail-service
# Every connection and every stream of a connection of its own is a file.
ulimit -n "$(ulimit -H -n)"
exec cargo bench --locked -p turbomessage-tests --bench load -- "$@"
