#!/usr/bin/env bash
# Checks the alert rules and the dashboard of components/prometheus: the cases of tests/alerts.yaml, and every expression
# against a Prometheus that scrapes the three services, as programs on this machine, after a few calls. Any finding fails.
# The programs are those of the last debug build, or those in the folder PROGRAMS.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(dirname "$here")
cache="${XDG_CACHE_HOME:-$HOME/.cache}/turbomessage"
export PATH="$cache/bin:$PATH"
cd "$root"
programs=${PROGRAMS:-${CARGO_TARGET_DIR:-target}/debug}

fail() {
    printf 'check-queries.sh: %s\n' "$@" >&2
    exit 1
}

# Unpacked, not installed: that would start a Prometheus of the machine's own.
tools() {
    ! { command -v prometheus && command -v promtool; } >/dev/null || return 0
    { command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; } ||
        fail 'please install Prometheus with promtool (Debian, Ubuntu: apt-get install prometheus), then run this again'
    echo 'check-queries.sh: fetching Prometheus' >&2
    mkdir "$work/deb"
    apt-get update -qq
    (cd "$work/deb" && apt-get download -qq -o APT::Sandbox::User=root prometheus)
    mkdir -p "$cache/bin" "$cache/prometheus"
    dpkg-deb --fsys-tarfile "$work"/deb/prometheus_*.deb | tar -x -C "$cache/prometheus" ./usr/bin
    ln -sf ../prometheus/usr/bin/prometheus ../prometheus/usr/bin/promtool "$cache/bin/"
    prometheus --version >/dev/null || fail 'the Prometheus that was fetched does not run here'
}

# That many ports, which were all free a moment ago.
ports() {
    python3 -c '
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))' "$1"
}

started=()
# Nothing that they leave behind is wanted.
cleanup() {
    local status=$?
    trap - EXIT
    [ ${#started[@]} = 0 ] || kill -KILL "${started[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}

# start NAME COMMAND...: its output is in a file of that name. No variable of the caller's decides how it runs.
start() {
    local name=$1
    shift
    env -i PATH="$PATH" HOME="$work" "$@" >"$work/$name.log" 2>&1 &
    started+=($!)
}

# The rules as Prometheus itself reads them: what the operator's object has under `spec`.
rules() {
    awk 'spec { sub(/^  /, ""); print } /^spec:$/ { spec = 1 }' "$here/components/prometheus/rules.yaml" >"$work/rules.yaml"
    cp "$here/tests/alerts.yaml" "$work/alerts.yaml"
    local found
    found=$(promtool check rules "$work/rules.yaml" 2>&1) || fail 'the rules:' "$found"
    found=$(promtool test rules "$work/alerts.yaml" 2>&1) || fail 'tests/alerts.yaml:' "$found"
}

# In the order of the ports: gateway, auth-service, mail-service, as clients and as Prometheus find them.
services() {
    local -n port=$1
    start auth-service TM_DATABASE_URL="sqlite:$work/accounts.db" TM_SESSION_STORE_URL="sqlite:$work/sessions.db" \
        "$programs/turbomessage-auth-service" --listen "127.0.0.1:${port[1]}" --admin-listen "127.0.0.1:${port[4]}"
    start mail-service TM_DATABASE_URL="sqlite:$work/mail.db" TM_AUTH_URL="http://127.0.0.1:${port[1]}" \
        "$programs/turbomessage-mail-service" --listen "127.0.0.1:${port[2]}" --admin-listen "127.0.0.1:${port[5]}"
    start gateway TM_AUTH_URL="http://127.0.0.1:${port[1]}" TM_MAIL_URL="http://127.0.0.1:${port[2]}" \
        "$programs/turbomessage-gateway" --listen "127.0.0.1:${port[0]}" --admin-listen "127.0.0.1:${port[3]}"
}

# With the labels that the PodMonitor gives.
scrape() {
    local -n port=$1
    local i names=(gateway auth-service mail-service)
    {
        printf '%s\n' 'global: { scrape_interval: 1s, evaluation_interval: 1s }' 'rule_files: [rules.yaml]' 'scrape_configs:'
        for i in 0 1 2; do
            printf '  - job_name: turbomessage-%s\n    static_configs:\n' "${names[i]}"
            printf '      - targets: ["127.0.0.1:%s"]\n' "${port[i + 3]}"
            printf '        labels: { namespace: turbomessage, pod: %s-1, container: %s }\n' "${names[i]}" "${names[i]}"
        done
    } >"$work/prometheus.yaml"
    start prometheus prometheus --config.file="$work/prometheus.yaml" --storage.tsdb.path="$work/prometheus" \
        --web.listen-address="127.0.0.1:${port[6]}" --log.level=warn
}

tm() { env -i HOME="$work" TM_SERVER="http://127.0.0.1:$gateway" TM_TOKEN_FILE="$work/token" "$programs/tm" "$@"; }

# tm, as soon as what it asks for is there.
patiently() {
    local status give_up=$((SECONDS + 30))
    while true; do
        status=0
        tm "$@" >"$work/tm.log" 2>&1 || status=$?
        [ "$status" != 0 ] || return 0
        # 6: the server is not there yet.
        { [ "$status" = 6 ] && ((SECONDS < give_up)); } || fail "tm $1:" "$(tail -n 5 "$work"/*.log)"
        sleep 0.2
    done
}

# call METHOD [HEADER]...: over gRPC-Web with an empty request; nobody wants to know how it ends.
call() {
    local method=$1
    shift
    python3 -c '
import sys, urllib.request
headers = {"content-type": "application/grpc-web+proto", **dict(h.split(": ") for h in sys.argv[2:])}
urllib.request.urlopen(urllib.request.Request(sys.argv[1], bytes(5), headers), timeout=10).read()' "http://127.0.0.1:$gateway/$method" "$@"
}

# One of each kind that is counted: people who write and watch, a wrong password, a fault, a method that does not exist.
calls() {
    gateway=$1
    echo 'one password of many' >"$work/password"
    patiently register ana --password-file "$work/password"
    patiently send ana -s 'A subject' 'A text'
    patiently inbox
    echo 'another password' >"$work/password"
    ! tm login ana --password-file "$work/password" >"$work/tm.log" 2>&1 || fail 'a wrong password was taken'
    start watch TM_SERVER="http://127.0.0.1:$gateway" TM_TOKEN_FILE="$work/token" "$programs/tm" watch
    # A fault for sure: auth-service, which was started first, cannot answer in time.
    kill -STOP "${started[0]}"
    call turbomessage.auth.v1.AuthService/Login 'grpc-timeout: 500m'
    kill -CONT "${started[0]}"
    call turbomessage.mail.v1.MailService/Nonsense
}

work=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for program in tm turbomessage-gateway turbomessage-auth-service turbomessage-mail-service; do
    [ -x "$programs/$program" ] || fail "there is no $programs/$program: cargo build --workspace --bins makes it"
done
tools
rules
read -ra chosen < <(ports 7)
services chosen
scrape chosen
calls "${chosen[0]}"
found=$(python3 "$here/queries.py" "http://127.0.0.1:${chosen[6]}") || {
    tail -n 5 "$work"/*.log >&2
    fail 'a query is wrong'
}
echo "check-queries.sh: $found are good"
