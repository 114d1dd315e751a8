#!/usr/bin/env bash
# Runs every test of the workspace: unit, integration, compile-error and documentation tests with every feature on, then the tests that
# explore thread schedules and memory orderings. Needs Rust and git; on Debian and its derivatives it installs whatever else is missing (see prepare.sh).
#
# The last line is the total: "N passed, N failed", and ", N skipped" if anything was.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prepare.sh

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

# run COMMAND...: runs one part of the tests; a failure is kept for the end, so that the other parts are seen too.
run() {
    "$@" 2>&1 | tee -a "$log" || status=1
}

run cargo test --workspace --all-features --locked --no-fail-fast
run scripts/shuttle.sh
run scripts/loom.sh

# Every test binary ends with a line of its own:
# test result: ok. 6 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
echo
sed -n 's/\x1b\[[0-9;]*m//g; /^test result: /p' "$log" | awk -v status="$status" '
    { for (i = 1; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) passed += $i
        if ($(i + 1) ~ /^failed/) failed += $i
        if ($(i + 1) ~ /^ignored/) skipped += $i
    } }
    END {
        if (status && !failed) print "error: not every test could be built and run, see above"
        printf "%d passed, %d failed%s\n", passed, failed, skipped ? sprintf(", %d skipped", skipped) : ""
    }'
exit "$status"
