#!/usr/bin/env bash
# `predict` here and `generate` of transformers on the same model, prompts, batch size and threads: whether they answer the same, and how fast.
#   benches/predict_vs_transformers.sh [DATA] [--setup] [--repeats N] [--threads N] [--keep DIR]
#     DATA         folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
#     --setup      makes the Python environment of benches/lib/requirements.txt in MEDINJECTION_CACHE, once (5 GB)
#     --repeats N  how often each is run, in turns (default 3); the fastest counts
#     --threads N  threads of both (default: all processors)
#     --keep DIR   work there, and keep what is made
# Open questions are answered greedily, 50 prompts; multiple choice under the constraint of canonical answers, 300 rows of FrenchMedMCQA's test set.
# Our time is that of the whole program, loading included; transformers' is that of `generate` alone. Exit code 1: an answer differs.
# $MEDINJECTION_PEFT_PYTHON names a Python that has the packages already. About 15 minutes on two cores; nothing else should run.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=benches/lib/reference.sh
source benches/lib/reference.sh
exec "$python" benches/predict_vs_transformers/run.py --programs "$programs" "$@"
