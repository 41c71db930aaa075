#!/usr/bin/env bash
# Whether a fine-tuning teaches anything: SmolLM2-135M on FrenchMedMCQA's training set for one epoch, exact match on its test set before and after,
# with 95 % bootstrap intervals, as tables; and the same for PEFT where it is installed.
#   benches/real_run.sh [DATA] [--setup] [--without-peft] [--threads N] [--keep DIR]
#     DATA            folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
#     --setup         makes the Python environment of benches/lib/requirements.txt in MEDINJECTION_CACHE, once (5 GB)
#     --without-peft  our side alone; no Python package is needed
#     --threads N     threads of both (default: all processors)
#     --keep DIR      work there, and keep what is made
# 12 rows a step, loss on the whole chat, learning rate 1e-4 without schedule, dropout 0.05. Both adapters answer through `predict`, constrained.
# About 15 minutes on two cores, and an hour more with PEFT.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ " $* " == *' --without-peft '* ]]; then
  # shellcheck source=benches/lib/programs.sh
  source benches/lib/programs.sh
  python=python3
else
  # shellcheck source=benches/lib/reference.sh
  source benches/lib/reference.sh
fi
exec "$python" benches/real_run/run.py --programs "$programs" "$@"
