#!/usr/bin/env bash
# Runs the tests that explore, with loom, what the memory model allows the atomics of the invalidation clock.
#
# Like the tests with shuttle (see shuttle.sh) they need a build of their own. (The flag is not `loom`, which tokio would heed, too.)
set -euo pipefail
cd "$(dirname "$0")/.."

export RUSTFLAGS="${RUSTFLAGS:-} --cfg weak_memory"
exec cargo test -p cache-core --all-features --locked --target-dir "${CARGO_TARGET_DIR:-target}/loom" --lib "$@" orderings
