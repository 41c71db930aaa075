#!/usr/bin/env bash
# What a training run costs and whether it stays so, on SmolLM2 and FrenchMedMCQA, as tables and one line of JSON.
#   benches/train_runs.sh [DATA] [--only ranks|memory|steps] [--repeats N] [--keep DIR]
#     DATA         folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
#     ranks        tokens/s of two ranks of one thread against one rank of one thread, in turns, N times each (default 3)
#     memory       what `plan` says against measured peaks, for several shapes of a run; exit code 1 where they are more than 15 % apart
#     steps        500 steps: peak memory as it grows, and how far the time of a step spreads
#     --keep DIR   work there, and keep what is made
# About 25 minutes on two cores; nothing else should run.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=benches/lib/programs.sh
source benches/lib/programs.sh
exec python3 benches/train_runs/run.py --programs "$programs" "$@"
