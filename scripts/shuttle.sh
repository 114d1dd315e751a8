#!/usr/bin/env bash
# Runs the tests that explore thread schedules with shuttle.
#
# `--cfg shuttle` swaps the primitives that cache-core is built on. A different flag means that every crate is built anew, so the build has
# a directory of its own and the ordinary one stays warm.
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle"
exec cargo test -p cache-core --all-features --locked --target-dir "${CARGO_TARGET_DIR:-target}/shuttle" --lib "$@"
