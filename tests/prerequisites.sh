#!/usr/bin/env bash
# Says in one line what this machine lacks for a build, and ends with 1 if it lacks something. Installs nothing.
set -euo pipefail

missing=()
command -v cargo >/dev/null || missing+=('Rust (rustup, or your system'"'"'s cargo and rustc)')
command -v cc >/dev/null || missing+=('a C compiler (Debian, Ubuntu: apt-get install gcc libc6-dev)')
[ ${#missing[@]} = 0 ] && exit 0

list=$(printf ' and %s' "${missing[@]}")
echo "Please install ${list# and }, then run this again." >&2
exit 1
