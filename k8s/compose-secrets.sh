#!/usr/bin/env bash
# Makes the secrets that compose.yaml wants, once, in a folder that Git does not look at.
set -euo pipefail
cd "$(dirname "$0")/.."

secrets=.turbomessage/secrets
if [ -e "$secrets" ]; then
    echo "compose-secrets.sh: they are in $secrets already" >&2
    exit 0
fi

password() { od -An -v -N 24 -t x1 /dev/urandom | tr -d ' \n'; }

mkdir -p "$(dirname "$secrets")"
new=$(mktemp -d "$secrets.XXXXXX")
trap 'rm -rf "$new"' EXIT
# A container gets a file with the mode that it has here, and reads it as a user whom this machine does not know. It is
# the folder, which only its owner may enter, that keeps others out.
umask 022

accounts=$(password) mail=$(password) redis=$(password)
password >"$new/postgres-password"
sed -e "/ROLE accounts/s/dev-only/$accounts/" -e "/ROLE mail/s/dev-only/$mail/" k8s/overlays/dev/databases.sql \
    >"$new/databases.sql"
echo "postgres://accounts:$accounts@postgres/accounts" >"$new/accounts-url"
echo "postgres://mail:$mail@postgres/mail" >"$new/mail-url"
echo "requirepass $redis" >"$new/redis-password.conf"
echo "redis://:$redis@redis" >"$new/redis-url"
mv "$new" "$secrets"
echo "compose-secrets.sh: made, in $secrets" >&2
