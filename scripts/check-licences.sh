#!/usr/bin/env bash
# Fails if a crate that anything here is built from, on any platform, has a licence that is not on the list.
set -euo pipefail
cd "$(dirname "$0")/.."

allowed='
    0BSD
    Apache-2.0
    Apache-2.0 WITH LLVM-exception
    BSD-2-Clause
    BSD-3-Clause
    BSL-1.0
    CC0-1.0
    ISC
    MIT
    MIT-0
    Unicode-3.0
    Unlicense
    Zlib
'

# An expression is accepted if every part between ANDs has an accepted alternative. Parentheses are dropped: for the nested expressions
# that occur this is exact or too strict, never too lenient.
cargo tree --workspace --all-features --target all --edges normal,build,dev --prefix none --format '{p}|{l}|' --locked |
    awk -F'|' -v allowed="$allowed" '
    BEGIN {
        count = split(allowed, list, "\n")
        for (i = 1; i <= count; i++) {
            gsub(/^ +| +$/, "", list[i])
            if (list[i] != "") ok[list[i]] = 1
        }
    }
    $1 == "" || seen[$1]++ { next } # blank lines part the members
    {
        crates++
        expression = $2
        gsub(/[()]/, "", expression)
        gsub(/ ?\/ ?/, " OR ", expression)
        parts = split(expression, part, " AND ")
        accepted = parts > 0
        for (i = 1; i <= parts; i++) {
            any = 0
            alternatives = split(part[i], alternative, " OR ")
            for (j = 1; j <= alternatives; j++) if (alternative[j] in ok) any = 1
            if (!any) accepted = 0
        }
        if (!accepted) {
            printf "error: %s has the licence \"%s\", which scripts/check-licences.sh does not list\n", $1, $2
            refused++
        }
    }
    END {
        printf "%d crates, %d with a licence that is not allowed\n", crates, refused
        exit refused > 0 || crates == 0
    }'
