#!/usr/bin/env bash
# Fine-tuning here and by PEFT in turns, on the same model, rows, order, initial adapter and steps: tokens/s, peak memory, ratios and losses,
# as a table and one line of JSON.
#   benches/train_vs_peft.sh [DATA] [--setup] [--repeats N] [--steps N] [--threads N] [--keep DIR]
#     DATA         folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
#     --setup      makes the Python environment of benches/train_vs_peft/requirements.txt in MEDINJECTION_CACHE, once (5 GB)
#     --repeats N  how often each case is run (default 3); the median counts
#     --steps N    steps of a run (default 8); the first four are warm-up and do not count
#     --threads N  threads of both (default: all processors)
#     --keep DIR   work there, and keep what is made
# $MEDINJECTION_PEFT_PYTHON names a Python that has the packages already. About 40 minutes on two cores; nothing else should run.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=/dev/null
if [[ -e launcher/env.sh ]]; then source launcher/env.sh; fi
cache=${MEDINJECTION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/medinjection}
requirements=benches/train_vs_peft/requirements.txt
if [[ " $* " == *' --setup '* && ! -x $cache/peft/bin/python ]]; then
  python3 -m venv "$cache/peft.part"
  "$cache/peft.part/bin/pip" install --quiet --requirement "$requirements"
  mv "$cache/peft.part" "$cache/peft"
  # The environment's own scripts would name the folder that was moved; the interpreter does not.
fi
python=${MEDINJECTION_PEFT_PYTHON:-$cache/peft/bin/python}
if ! "$python" -c 'import peft, torch, transformers' 2>/dev/null; then
  printf 'error: %s lacks a package of %s; type benches/train_vs_peft.sh --setup, or set MEDINJECTION_PEFT_PYTHON\n' "$python" "$requirements" >&2
  exit 2
fi
if [[ -z ${MEDINJECTION_SMOLLM2_GGUF:-} ]]; then
  printf 'error: the model SmolLM2-135M-Instruct is not there; type bash launcher/bootstrap.sh\n' >&2
  exit 2
fi
cargo build --quiet --release --locked --workspace --bins --examples
exec "$python" benches/train_vs_peft/run.py --programs "${CARGO_TARGET_DIR:-target}/release" "$@"
