#!/usr/bin/env bash
# Lints the published crates with each feature alone, with none and with all.
set -euo pipefail
cd "$(dirname "$0")/.."

# lint PACKAGE FEATURES: clippy and not only check, because what an absent feature leaves unused is a warning.
lint() {
    echo "== $1 with ${2:-no features}"
    cargo clippy --locked --quiet -p "$1" --no-default-features --features "$2" -- -D warnings
}

# features_of MANIFEST: the names in its table of features, but for `default`, which is made of the others.
features_of() {
    awk '/^\[/ { inside = $0 == "[features]" } inside && /^[a-z]/ && $1 != "default" { print $1 }' "$1"
}

for manifest in Cargo.toml cache-core/Cargo.toml cache-redis/Cargo.toml; do
    package=$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)
    mapfile -t features < <(features_of "$manifest")
    lint "$package" ""
    for feature in "${features[@]}"; do
        lint "$package" "$feature"
    done
    if [ "${#features[@]}" -gt 1 ]; then
        lint "$package" "$(IFS=,; echo "${features[*]}")"
    fi
done
