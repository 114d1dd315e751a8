#!/usr/bin/env bash
# The expansion that docs/expansion.md walks through is the real one: what `cargo expand` shows of a function of the examples.
#
# check-expansion.sh [--update]
set -euo pipefail
cd "$(dirname "$0")/.."

document=docs/expansion.md
# The unstable flag is what cargo-expand asks a stable compiler for, too.
expanded=$(RUSTC_BOOTSTRAP=1 cargo rustc -q --locked -p cachewright-examples --lib -- -Zunpretty=expanded)

# The function from its signature to the brace at the same depth, formatted alone.
function=$(awk '/pub async fn carrier_delays/ { on = 1 } on { print } on && /^        }$/ { exit }' <<<"$expanded" |
    rustfmt --edition 2024 --config max_width=100)

shown=$(awk '/^```rust,ignore$/ { on = 1; next } /^```$/ { on = 0 } on { print }' "$document")
if [ "${1:-}" = --update ]; then
    FUNCTION=$function awk '
        /^```rust,ignore$/ { print; print ENVIRON["FUNCTION"]; skip = 1; next }
        /^```$/ { skip = 0 }
        !skip { print }
    ' "$document" >"$document.new"
    mv "$document.new" "$document"
elif [ "$function" != "$shown" ]; then
    diff <(echo "$shown") <(echo "$function") || true
    echo "$document shows another expansion than the compiler: run scripts/check-expansion.sh --update and read the text again" >&2
    exit 1
fi
