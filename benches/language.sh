#!/usr/bin/env bash
# Scores the language of fields and prints one line of JSON.
#   benches/language.sh DIR               a folder laid out like MMLU's: <subject>_test.csv beside <subject>_test.fr.csv
#   benches/language.sh --all DATA [PACKAGES]   all of the real data, with whatlang beside it; third languages where
#                                         PACKAGES is given, the folder that benches/language/learn.sh unpacks
# Subjects that the table was learned from are left out; the line says which.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
exec cargo run --quiet --release --manifest-path "$root/Cargo.toml" --example language_score -- "$@"
