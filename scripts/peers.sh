#!/usr/bin/env bash
# Steps per second of one agent, side by side with numpy pymdp 0.0.7.1 on the same models.
# Needs python3 with venv and access to PyPI. usage: scripts/peers.sh [MODEL …], default all.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${PEERS_VENV:-${CARGO_TARGET_DIR:-target}/peers-venv}
if ! "$venv/bin/python" -c 'import pymdp, numpy' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'inferactively-pymdp==0.0.7.1' 'numpy<2'
fi

models=()
for name in "${@:-}"; do
    [ -n "$name" ] && models+=("benches/models/$name.json")
done
[ ${#models[@]} -gt 0 ] || models=(benches/models/*.json)

cargo build --release --quiet --example agent_speed
echo "# forkscope"
cargo run --release --quiet --example agent_speed
echo
echo "# numpy pymdp 0.0.7.1, one BLAS thread"
"$venv/bin/python" scripts/pymdp_steps.py "${models[@]}"
