#!/usr/bin/env bash
# Runs every example in the ways that examples/README.md tells, in memory and over a Redis server of its own, and fails if one of them does.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prepare.sh

# Nothing but what is set here decides where entries are kept.
for name in $(compgen -e); do
    case $name in REDIS_URL | CACHE_* | SERVICE_*) unset "$name" ;; esac
done

service=''
redis=''
scratch=$(mktemp -d)
cleanup() {
    for process in $service $redis; do
        kill "$process" 2>/dev/null && wait "$process" || true
    done
    rm -rf "$scratch"
}
trap cleanup EXIT

# Without a name cargo lists the examples, each on an indented line, and fails.
examples=$(cargo run --locked --example 2>&1 | sed -n 's/^    //p' || true)
if [ -z "$examples" ]; then
    echo "error: there are no examples" >&2
    exit 1
fi

# request ADDRESS PATH: the status line of the answer.
request() {
    exec 3<>"/dev/tcp/${1%:*}/${1##*:}"
    printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    head -n 1 <&3
    exec 3>&-
}

# run_service CARGO_ARGUMENT...: starts it, asks it, and has it end by itself.
run_service() {
    mkfifo "$scratch/stdout"
    # Cargo becomes the program, so its process id stays.
    SERVICE_ADDR=127.0.0.1:0 cargo run --locked --quiet "$@" </dev/null >"$scratch/stdout" &
    service=$!
    exec 4<"$scratch/stdout"
    rm "$scratch/stdout"
    local url path status
    read -r url <&4
    for path in /carriers/UA/delays /health /metrics; do
        status=$(request "${url#http://}" "$path")
        echo "$path: $status"
        [[ $status == "HTTP/1.1 200 "* ]]
    done
    kill -TERM "$service"
    wait "$service"
    service=''
    exec 4<&-
}

# run_all FEATURES: every example, built with these features.
run_all() {
    local example
    for example in $examples; do
        # It brings a store of its own.
        if [ "$example" = sqlite_store ] && [ "$1" ]; then
            continue
        fi
        echo "== example $example${REDIS_URL:+ over Redis}"
        case $example in
        service) run_service --example service --features "service${1:+,$1}" ;;
        *) cargo run --locked --quiet --example "$example" --features "$1" </dev/null ;;
        esac
    done
}

# start_redis: on a port that was free a moment ago, and on another one if it no longer is.
start_redis() {
    local port
    while true; do
        port=$((20000 + RANDOM % 12000))
        redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$scratch" >"$scratch/redis.log" &
        redis=$!
        # It ends if the port is taken.
        while kill -0 "$redis" 2>/dev/null; do
            if grep -q 'Ready to accept connections' "$scratch/redis.log"; then
                export REDIS_URL=redis://127.0.0.1:$port CACHE_NAMESPACE=examples
                return
            fi
            sleep 0.05
        done
        wait "$redis" || true
        redis=''
        if ! grep -q 'Address already in use' "$scratch/redis.log"; then
            cat "$scratch/redis.log" >&2
            exit 1
        fi
    done
}

run_all ''
start_redis
run_all redis
