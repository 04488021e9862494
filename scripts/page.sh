#!/usr/bin/env bash
# Does a rendered report work in a real browser: offline, at 390 and 1280 px, light and dark, by keyboard,
# on paper?
#
#   scripts/page.sh                 pages of made-up records of every kind
#   scripts/page.sh RUN.html...     these pages
#   scripts/page.sh RUN.json...     the pages of these records
#
# Needs node, npm and Chromium (Debian: apt-get install npm chromium). CHROMIUM names another browser;
# SHOTS=DIR leaves a screenshot of every page at every width in both themes.
set -euo pipefail

files=()
for file in "$@"; do files+=("$(realpath "$file")"); done
cd "$(dirname "$0")/.."

pages=$(mktemp -d)
trap 'rm -r "$pages"' EXIT
for at in "${!files[@]}"; do
    record=${files[$at]}
    [[ $record == *.json ]] || continue
    files[at]="$pages/$at-$(basename "$record" .json).html"
    cargo run --locked --quiet -- report "$record" -o "${files[$at]}"
done

if [ "${#files[@]}" = 0 ]; then
    cargo test --locked --test pure html::
    target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    files=("$target"/tmp/pages/*.html)
fi

[ -z "${SHOTS:-}" ] || { mkdir -p "$SHOTS"; SHOTS=$(realpath "$SHOTS"); export SHOTS; }
cd scripts/page_test
[ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error
node page_test.js "${files[@]}"
