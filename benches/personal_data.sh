#!/usr/bin/env bash
# Measures the personal-data rules and prints one line of JSON: benches/personal_data.sh DATA [--show]
# Each form of each kind is planted into every clinical case of DATA/e3c_fr; false alarms are counted on the clean cases,
# on MORFITT's abstracts and on FrenchMedMCQA. With --show, each false alarm and each form that is missed stands on standard error.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
exec cargo run --quiet --release --manifest-path "$root/Cargo.toml" --example personal_data_score -- "$@"
