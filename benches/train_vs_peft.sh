#!/usr/bin/env bash
# Fine-tuning here and by PEFT in turns, on the same model, rows, order, initial adapter and steps: tokens/s, peak memory, ratios and losses,
# as a table and one line of JSON.
#   benches/train_vs_peft.sh [DATA] [--setup] [--repeats N] [--steps N] [--threads N] [--keep DIR]
#     DATA         folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
#     --setup      makes the Python environment of benches/lib/requirements.txt in MEDINJECTION_CACHE, once (5 GB)
#     --repeats N  how often each case is run (default 3); the median counts
#     --steps N    steps of a run (default 8); the first four are warm-up and do not count
#     --threads N  threads of both (default: all processors)
#     --keep DIR   work there, and keep what is made
# $MEDINJECTION_PEFT_PYTHON names a Python that has the packages already. About 40 minutes on two cores; nothing else should run.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=benches/lib/reference.sh
source benches/lib/reference.sh
exec "$python" benches/train_vs_peft/run.py --programs "$programs" "$@"
