#!/usr/bin/env bash
# Builds a data set of the study's size and prints what it cost, as a table and one line of JSON.
#   benches/build_scale.sh [DATA] [--times N] [--python] [--records N] [--keep DIR]
#     DATA         folder of the real corpora (default: $MEDINJECTION_TEST_DATA, else ../shared/data)
#     --times N    beside it a corpus N times as large, with the ratios of time and memory
#     --python     beside it the Python stack of benches/build_scale/python_stack.py on a subset, with the ratio of speed
#     --records N  another size than 571,436
#     --keep DIR   work there, and keep corpora and data sets; corpora that are there are used again
# Each build runs on 1 and on 2 threads, whose bytes are compared. Disk: 1.5 GB, ten times as much with --times 10.
# What is planted is said in benches/build_scale/corpus.py, what counts as found in benches/build_scale/score.rs.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=/dev/null
if [[ -e launcher/env.sh ]]; then source launcher/env.sh; fi
cargo build --quiet --release --locked --bin medinjection --example build_scale_score
exec python3 benches/build_scale/run.py --programs "${CARGO_TARGET_DIR:-target}/release" "$@"
