#!/usr/bin/env bash
# Shows that no process gets a stale value after an invalidation: worlds of several processes over a real Redis that everything befalls,
# and then that whoever judges them would notice, by breaking each rule in turn.
#
# `--cfg mutants` means that every crate is built anew, so that build has a directory of its own and the ordinary one stays warm.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prepare.sh

target=${CARGO_TARGET_DIR:-target}

cargo build -p cachewright-consistency --locked
"$target/debug/consistency" run --seconds 40
# In memory alone; and where nothing befalls anybody, which is when each body needs a reason.
"$target/debug/consistency" run --worlds 1 --brief --memory
"$target/debug/consistency" run --worlds 2 --brief --faults none

RUSTFLAGS="${RUSTFLAGS:-} --cfg mutants" cargo build -p cachewright-consistency --locked --target-dir "$target/mutants"
"$target/mutants/debug/consistency" mutants "$@"
