#!/usr/bin/env bash
# What the translation checks find in real poor translations: Apertium's French, over Catalan, of 300 English MMLU questions.
#
#     benches/apertium.sh DIR [--list]
#
# DIR is laid out like MMLU-FR: <subject>_test.csv beside <subject>_test.fr.csv, which serves as reference for BLEU and chrF.
# Needs the Debian packages apertium, apertium-eng-cat and apertium-fra-cat. Prints one JSON line.
set -euo pipefail
directory=$(realpath "${1:?usage: benches/apertium.sh DIR [--list]}")
shift
for mode in eng-cat cat-fra; do
  if ! { command -v apertium && apertium -l | grep -qw "$mode"; } >/dev/null; then
    echo "expected Apertium with the mode $mode, found none; apt-get install apertium apertium-eng-cat apertium-fra-cat" >&2
    exit 2
  fi
done
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 benches/apertium_rows.py paragraphs "$directory" >"$work/english.txt"
# A blank line after every field keeps Apertium from moving words between fields.
apertium -u eng-cat <"$work/english.txt" | apertium -u cat-fra >"$work/french.txt"
python3 benches/apertium_rows.py tables "$directory" "$work/french.txt" "$work/tables"
cargo bench --quiet --profile release --bench translation_checks -- "$work/tables" --all --findings "$@"
