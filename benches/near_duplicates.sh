#!/usr/bin/env bash
# Recall and precision of near-duplicates and leaks, as lines of JSON, one a set.
#   benches/near_duplicates.sh [DATA]     folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
# What is measured, and against what, is said in benches/near_duplicates/measure.rs.
set -euo pipefail
data=$(realpath "${1:-${MEDINJECTION_TEST_DATA:-$(dirname "$0")/../../shared/data}}")
cd "$(dirname "$0")/.."
# shellcheck source=/dev/null
if [[ -e launcher/env.sh ]]; then source launcher/env.sh; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 benches/build_scale/corpus.py "$data" "$work" --records 6000 >"$work/made"
cargo run --quiet --release --locked --example near_duplicates -- frenchmedmcqa="$data/frenchmedmcqa" mmlu_fr="$data/mmlu" frenchmedmcqa="$work/native"
