#!/usr/bin/env bash
# What scripts/install-services would install on a machine that has nothing: by name only that, without names all of it.
set -euo pipefail
script=$(readlink -f "$(dirname "$0")/../../scripts/install-services")
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
for tool in bash dirname readlink; do
    ln -s "$(command -v "$tool")" "$bin/"
done
would_install() {
    PATH=$bin bash "$script" --missing "$@" | { tr '\n' ' '; echo; }
}
fail() {
    echo "install-services: $*" >&2
    exit 1
}
got=$(would_install redis curl)
[[ $got == "redis-server curl " ]] || fail "redis and curl are: $got"
got=$(would_install)
# Not those of /usr/sbin, where the script looks whatever PATH is.
for package in redis-server golang-go chromium; do
    [[ " $got" == *" $package "* ]] || fail "without names $package is missing: $got"
done
[[ $got != *prometheus* ]] || fail "what is for the long tests alone is installed for all: $got"
if PATH=$bin bash "$script" --missing redsi 2>/dev/null; then fail "it takes a name that is none"; fi
echo "install-services: it chooses by name"
