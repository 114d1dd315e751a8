#!/usr/bin/env bash
# Checks over real processes and a real Redis that nobody is given a stale value after an invalidation, while processes, connections and
# the server are killed, stopped, cut, delayed and emptied. `--minutes 10`, `--seed 7`, `--faults kill-writer,evict` and more: without any
# option one world of half a minute happens; `consistency help` (the program that this builds) lists them. Needs Rust and git; on Debian
# and its derivatives it installs whatever else is missing (see prepare.sh).
#
# The last line is the total. Fails if anything was violated; the history is kept then, and the line that makes the same world again is told.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prepare.sh
cargo build --release --locked -p cachewright-consistency
exec "${CARGO_TARGET_DIR:-target}/release/consistency" run "$@"
