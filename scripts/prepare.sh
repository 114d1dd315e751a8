#!/usr/bin/env bash
# Installs what building and testing need beside Rust and git, on Debian and its derivatives. Does nothing where it is all there.
set -euo pipefail

# need COMMAND PACKAGE...: makes sure that COMMAND can be run, if need be by installing the Debian packages.
need() {
    local command=$1
    shift
    command -v "$command" >/dev/null && return
    if ! command -v apt-get >/dev/null; then
        echo "error: \`$command\` is needed and can't be installed from here; install it and run this again" >&2
        exit 1
    fi
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    echo "== installing $* for \`$command\`"
    "${as_root[@]}" apt-get -qq update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

command -v cargo >/dev/null || {
    echo "error: Rust is needed: https://rustup.rs" >&2
    exit 1
}
need cc gcc libc6-dev # links every program, and builds the SQLite of the examples
need python3 python3 # explores the models in docs/model
# Tests start servers of their own (tests/support) and never use the one that Debian's package starts, where there is a systemd.
need redis-server redis-server
# Lets the clock of a running server be set (scripts/check-consistency.sh).
need faketime faketime
