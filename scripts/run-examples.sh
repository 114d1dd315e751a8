#!/usr/bin/env bash
# Runs every example in the way the README tells, and fails if one of them does.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without a name cargo lists the examples, each on an indented line, and fails.
examples=$(cargo run --locked --example 2>&1 | sed -n 's/^    //p' || true)
if [ -z "$examples" ]; then
    echo "error: there are no examples" >&2
    exit 1
fi
for example in $examples; do
    echo "== example $example"
    cargo run --locked --quiet --example "$example" </dev/null
done
