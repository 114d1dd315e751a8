#!/usr/bin/env bash
# Fails if the default build has grown beyond what a user was promised: at most 40 crates, none of them a Redis client.
set -euo pipefail
cd "$(dirname "$0")/.."

most=40
crates=$(cargo tree --locked -p cachewright --edges normal --prefix none --no-dedupe --format '{p}' | sort -u)
count=$(wc -l <<<"$crates")
echo "the default build has $count crates, $most at most"
if redis=$(grep -E '^(cache-redis|redis|fred|rustis|deadpool-redis|bb8-redis)([ -]|$)' <<<"$crates"); then
    printf 'error: the default build contains Redis code:\n%s\n' "$redis" >&2
    exit 1
fi
if [ "$count" -gt "$most" ]; then
    printf 'error: the default build has %s crates, which is more than %s:\n%s\n' "$count" "$most" "$crates" >&2
    exit 1
fi
