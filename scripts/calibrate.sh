#!/usr/bin/env bash
# Is this tool right, here? Repeats comparisons whose truth is known, then holds the probes of the
# operating system against their known answers. Needs a machine that does nothing else meanwhile.
#
#   scripts/calibrate.sh [MINUTES]     40 unless given; the probes take four more
#
# Writes reports/calibration/: table.txt and calibration.json, probes.txt, and every run in runs/.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-40}
case "$minutes" in
'' | *[!0-9]*)
    echo "usage: scripts/calibrate.sh [MINUTES]" >&2
    exit 2
    ;;
esac
folder=reports/calibration

# Everything is built before anything is measured.
cargo build --locked --release
cargo test --locked --release --test machine --no-run

rm -rf "$folder/runs"
# Six pairs are the fewest that `quick` judges a cell by.
target/release/forkscope calibrate --pairs 6 --time "${minutes}m" --out "$folder"

mkdir -p "$folder"
cargo test --locked --release --test machine -- calibration:: --ignored --nocapture | tee "$folder/probes.txt"
