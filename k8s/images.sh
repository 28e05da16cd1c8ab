#!/usr/bin/env bash
# Builds the images of the three services, turbomessage/<service>:<version>: from source where a registry can be
# reached, else from programs that it builds on this machine. PROGRAMS=<folder> has it take the programs from there.
# What has not changed comes out of Docker's cache.
set -euo pipefail
programs=${PROGRAMS:+$(realpath "$PROGRAMS")}
cd "$(dirname "$0")/.."

services=(gateway auth-service mail-service)
state="${XDG_CACHE_HOME:-$HOME/.cache}/turbomessage"
log="$state/service-images.log"

say() { echo "images.sh: $*" >&2; }

fail() {
    say "$1"
    [ ! -s "$log" ] || { say "the end of $log:" && tail -n 20 "$log" >&2; }
    exit 1
}

names() { printf "turbomessage/%s:$version\n" "${services[@]}"; }

ids() { names | xargs docker image inspect --format '{{ .Id }}' 2>/dev/null || true; }

# These name the images, and would name some that are not there.
check_version() {
    local service
    for service in "${services[@]}"; do
        grep -q "image: turbomessage/$service:$version\$" compose.yaml || fail "compose.yaml has not version $version"
        grep -A 1 "name: turbomessage/$service\$" k8s/base/kustomization.yaml | grep -q "newTag: $version\$" ||
            fail "k8s/base/kustomization.yaml has not version $version"
    done
}

# The small image first: where there is no way to it, the large one need not be waited for.
registry() {
    timeout "${TM_PULL_TIMEOUT:-15}" docker pull --quiet debian:bookworm-slim &&
        docker pull --quiet "$(sed -n 's/^ARG RUST=//p' Dockerfile)"
} >>"$log" 2>&1

build_programs() {
    tests/prerequisites.sh
    # Named, because together with the tests they would get features that are for tests only.
    cargo build --release --locked "${services[@]/#/--package=turbomessage-}"
    programs=${CARGO_TARGET_DIR:-target}/release
}

# The classic builder, which every engine has, runs all stages up to the target whether they are needed or not. So the
# stage `build` must go; the folder that the builder gets stands in for it.
without_build() {
    awk '/^FROM .* AS build$/ { print "FROM scratch AS build\nCOPY . /programs"; left_out = 1; next }
        /^FROM / { left_out = 0 }
        !left_out' Dockerfile
}

build() {
    local service
    for service in "${services[@]}"; do
        DOCKER_BUILDKIT=0 docker build --target "$service" --tag "turbomessage/$service:$version" \
            --build-arg VERSION="$version" --build-arg REVISION="$revision" "$@" >>"$log" 2>&1 ||
            fail "the image of $service could not be built"
        # A program from elsewhere may want a newer C library than the image has.
        docker run --rm --network none --read-only --cap-drop ALL "turbomessage/$service:$version" --version \
            >>"$log" 2>&1 || fail "the program in the image of $service does not start"
    done
}

from_source() {
    say "building from source, log in $log"
    build .
}

from_programs() {
    local service
    # Debian's, pulled or made.
    tests/containers/images.sh --base
    folder=$(mktemp -d)
    trap 'rm -r "$folder"' EXIT
    without_build >"$folder/Dockerfile"
    mkdir "$folder/programs"
    for service in "${services[@]}"; do
        strip -o "$folder/programs/turbomessage-$service" "$programs/turbomessage-$service" ||
            fail "there is no program turbomessage-$service in $programs"
    done
    build --build-arg BASE=turbomessage-test/base:bookworm --file "$folder/Dockerfile" "$folder/programs"
}

mkdir -p "$state"
: >"$log"
docker version >/dev/null 2>>"$log" || fail 'no Docker engine answers (tests/containers/engine.sh --install gets one)'

version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
revision=$(git describe --always --abbrev=40 --match '' --dirty 2>/dev/null || true)
check_version

before=$(ids)
if [ -n "$programs" ]; then
    from_programs
    origin="the programs in $programs"
elif registry; then
    from_source
    origin='source'
else
    build_programs
    from_programs
    origin='programs built on this machine, as no registry can be reached'
fi
[ "$(ids)" = "$before" ] && outcome='unchanged' || outcome='built'
say "$(names | paste -sd ' '): $outcome, from $origin"
