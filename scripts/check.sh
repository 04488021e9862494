#!/usr/bin/env bash
# What has to hold before a commit: format, lints, documentation, tests, and the README's commands.
#
#   scripts/check.sh           everything (about twenty-five minutes on two CPUs, the first build included)
#   scripts/check.sh --fast    without the README's commands that measure
set -euo pipefail
cd "$(dirname "$0")/.."

fast=no
[ "${1:-}" = "--fast" ] && fast=yes

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --check

step "lints"
cargo clippy --locked --all-targets -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# The README is a promise: what it tells people to type is what runs here, line by line.
readme_commands() {
    awk '/^```sh$/ {inside = 1; next} /^```/ {inside = 0} inside' README.md | sed 's/ *#.*$//' | grep -v '^$'
}

step "the README has its two commands"
readme_commands | grep -qx 'cargo run --release -- quick'
readme_commands | grep -qx 'cargo test'

# The README tells people to make this file; it must not be one that somebody has made.
if [ -e my.toml ]; then
    echo "my.toml is in the way: move it, the README's commands would overwrite it" >&2
    exit 1
fi
cleanup() { rm -f my.toml; }
trap cleanup EXIT

while IFS= read -r command; do
    case "$command" in
        *"cargo run --release -- "*)
            [ "$fast" = yes ] && continue
            step "$command"
            cargo build --locked --release
            began=$SECONDS
            status=0
            bash -c "$command" < /dev/null || status=$?
            printf '(exit code %s after %s s)\n' "$status" "$((SECONDS - began))"
            # 5 is an honest answer on a busy machine: the controls did not hold, and it says so.
            [ "$status" = 0 ] || [ "$status" = 5 ] || exit "$status"
            ;;
        *"cargo doc --open"*) ;;
        *)
            step "$command"
            bash -c "$command" < /dev/null
            ;;
    esac
done < <(readme_commands)

# What takes minutes.
step "cargo test --test hosts -- --ignored"
cargo test --locked --test hosts -- --ignored

# What needs the machine for itself; where others use it, it says so and passes.
step "cargo test --test machine fitness -- --ignored"
cargo test --locked --test machine fitness -- --ignored --nocapture

step "all held"
