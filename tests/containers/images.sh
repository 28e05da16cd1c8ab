#!/usr/bin/env bash
# Makes sure that the test images exist; a prepared image whose Dockerfile has not changed is reused. `images.sh --base`
# is content with their base, `images.sh --bench` makes those of the measurements too.
# Where debian:bookworm-slim cannot be pulled, the base is made with debootstrap (as root) from the Debian mirror that
# this machine's apt uses.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
state="${XDG_CACHE_HOME:-$HOME/.cache}/turbomessage"
log="$state/images.log"
base=turbomessage-test/base:bookworm

say() { echo "images.sh: $*" >&2; }

fail() {
    say "$1"
    [ ! -s "$log" ] || { say "the end of $log:" && tail -n 20 "$log" >&2; }
    exit 1
}

present() { docker image inspect "$1" >/dev/null 2>&1; }

# "address suite" of every Debian repository of bookworm that apt knows here; nothing on other systems.
mirrors() {
    command -v apt-get >/dev/null || return 0
    # shellcheck disable=SC2016 # apt-get fills these in, not the shell
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 'Component: main' |
        awk '$2 ~ /^bookworm(-updates|-security)?$/' | sort -u
}

# How apt reaches the packages here: certificates stay behind, as their files are not in the image. Packages are
# signed, so an address of https that only this machine's certificates vouch for is safe to read without them.
apt_conf() {
    local conf
    command -v apt-config >/dev/null || return 0
    conf=$(apt-config dump | grep -E '^Acquire::(Check-|Force|Retries|https?::)' | grep -v -i -E '::(CA|Ssl)' || true)
    printf '%s\n' "$conf"
    ! mirrors | grep -q ^https: || echo 'Acquire::https::Verify-Peer "false";'
}

ensure_debootstrap() {
    [ "$(id -u)" = 0 ] || fail 'debian:bookworm-slim cannot be pulled, and making it takes root: run this once as root'
    command -v debootstrap >/dev/null && return
    [ "${CI:-}" = true ] || fail 'debian:bookworm-slim cannot be pulled, making it takes: apt-get install debootstrap'
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends debootstrap; } \
        >>"$log" 2>&1 || fail 'debootstrap could not be installed'
}

bootstrap_base() {
    ensure_debootstrap
    say 'making the base image with debootstrap'
    root=$(mktemp -d "$state/debootstrap.XXXXXX")
    # debootstrap may leave /proc mounted when it fails: never remove across file systems.
    trap 'rm -rf --one-file-system "$root"' EXIT
    local list mirror
    list=$(mirrors)
    mirror=$(awk '$2 == "bookworm" { print $1; exit }' <<<"$list")
    debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} >>"$log" 2>&1 || fail 'debootstrap failed'
    [ -z "$mirror" ] || awk '{ print "deb", $1, $2, "main" }' <<<"$list" >"$root/etc/apt/sources.list"
    tar -C "$root" --one-file-system --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' -c . |
        docker import --change 'CMD ["bash"]' - "$base" >>"$log" 2>&1 || fail 'docker import failed'
}

ensure_base() {
    present "$base" && return
    if timeout "${TM_PULL_TIMEOUT:-15}" docker pull --quiet debian:bookworm-slim >>"$log" 2>&1; then
        docker tag debian:bookworm-slim "$base"
    else
        bootstrap_base
    fi
}

ensure_image() {
    local image=$1 folder=$2 recipe built
    recipe=$(sha256sum <"$folder/Dockerfile" | cut -c 1-16)
    built=$(docker image inspect --format '{{ index .Config.Labels "turbomessage.recipe" }}' "$image" 2>/dev/null || true)
    [ "$built" != "$recipe" ] || return 0
    say "building $image"
    # The classic builder is the one every engine has. The host's network is where a proxy on this machine answers.
    DOCKER_BUILDKIT=0 docker build --network host --label "turbomessage.recipe=$recipe" --tag "$image" \
        --build-arg BASE="$base" --build-arg APT_CONF="$(apt_conf)" \
        --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy "$folder" >>"$log" 2>&1 ||
        fail "$image could not be built"
}

mkdir -p "$state"
: >"$log"
ensure_base
[ "${1:-}" != --base ] || exit 0
ensure_image turbomessage-test/redis:7 "$here/redis"
ensure_image turbomessage-test/postgres:15 "$here/postgres"
ensure_image turbomessage-test/network:1 "$here/network"
# For measurements only: see tests/benches/load.rs.
[ "${1:-}" != --bench ] || ensure_image turbomessage-test/dovecot:2 "$here/dovecot"
