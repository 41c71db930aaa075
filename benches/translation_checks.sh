#!/usr/bin/env bash
# Recall of the translation checks on seeded corruptions and their false alarms on clean rows: one JSON line.
#
#     benches/translation_checks.sh DIR [--tico FILE] [--all] [--list]
#
# DIR is laid out like MMLU-FR: <subject>_test.csv beside <subject>_test.fr.csv. TICO-19's file is taken from beside DIR
# where it is there. Rows of the subjects from which the lexicon was learned are left out unless --all.
set -euo pipefail
directory=$(realpath "${1:?usage: benches/translation_checks.sh DIR [--tico FILE] [--all] [--list]}")
shift
tico=$(dirname "$directory")/tico19/all.en-fr.tmx
[[ -f $tico && " $* " != *" --tico "* ]] && set -- --tico "$tico" "$@"
cd "$(dirname "$0")/.."
exec cargo bench --quiet --profile release --bench translation_checks -- "$directory" "$@"
