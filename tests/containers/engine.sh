#!/usr/bin/env bash
# Makes sure that a Docker engine answers: `engine.sh [--install]`.
#
# Exit codes: 0 an engine answers, 1 one was to be started and could not be, 3 there is none and nobody asked for one.
# With CI=true or --install it installs Debian's or Ubuntu's docker.io and starts dockerd itself where no service
# manager does. May be called again at any time, also after dockerd was killed.
set -euo pipefail

state="${XDG_CACHE_HOME:-$HOME/.cache}/turbomessage"
log="$state/dockerd.log"

answers() {
    timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>"$state/engine.error"
}

fail() {
    printf 'engine.sh: %s\n' "$@" >&2
    exit 1
}

banner() {
    local rule='!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!'
    printf '%s\n' "$rule" \
        '!!  CONTAINER TESTS SKIPPED: no Docker engine answers.' \
        "!!  Why: $(tail -n 1 "$state/engine.error")" \
        '!!  To get one (Debian, Ubuntu; as root): tests/containers/engine.sh --install' \
        "$rule" >&2
}

install_engine() {
    export DEBIAN_FRONTEND=noninteractive
    command -v apt-get >/dev/null || fail 'no apt-get here: install a Docker engine by hand'
    echo 'engine.sh: installing docker.io' >&2
    apt-get update >"$state/apt.log" 2>&1 || fail "apt-get update failed, see $state/apt.log"
    local packages=(docker.io iptables)
    # Newer releases ship the client apart.
    [ -z "$(apt-cache search --names-only '^docker-cli$')" ] || packages+=(docker-cli)
    apt-get install --yes --no-install-recommends "${packages[@]}" >>"$state/apt.log" 2>&1 ||
        fail "docker.io could not be installed, see $state/apt.log:" "$(tail -n 3 "$state/apt.log")"
}

# A process id file survives a kill and a restart of the machine; dockerd refuses to start as long as any process at
# all, be it a zombie, has the number in it.
drop_stale_pid_file() {
    local file=$1 name=$2 status
    [ -f "$file" ] || return 0
    status=$(cat "/proc/$(cat "$file")/status" 2>/dev/null || true)
    if ! grep -q "^Name:.$name\$" <<<"$status" || grep -q '^State:.[ZX]' <<<"$status"; then
        rm -f "$file"
    fi
}

start_engine() {
    if [ -d /run/systemd/system ]; then
        systemctl start docker || fail 'systemctl could not start docker'
        return
    fi
    drop_stale_pid_file /var/run/docker.pid dockerd
    drop_stale_pid_file /var/run/docker/containerd/containerd.pid containerd
    [ -f /var/run/docker.pid ] && return # it runs, and may be about to answer
    echo "engine.sh: starting dockerd, log in $log" >&2
    # A session of its own and no inherited files: it outlives this script and keeps nobody's pipe open.
    setsid dockerd </dev/null >"$log" 2>&1 &
}

mkdir -p "$state"
answers && exit 0

if [ "${CI:-}" != true ] && [ "${1:-}" != --install ]; then
    banner
    exit 3
fi

[ -z "${DOCKER_HOST:-}" ] || fail "no engine answers at DOCKER_HOST=$DOCKER_HOST"
[ "$(id -u)" = 0 ] || fail 'starting a Docker engine takes root'
if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
    install_engine
fi
start_engine

for _ in $(seq 60); do
    answers && exit 0
    sleep 1
done
fail 'dockerd does not answer after a minute; the end of its log:' "$(tail -n 20 "$log" 2>/dev/null)"
