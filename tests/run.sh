#!/usr/bin/env bash
# Sets this machine up and runs every check; the last line is `N passed, N failed, N skipped`.
#   bash tests/run.sh           all checks
#   bash tests/run.sh NAME…     only these; their names: bash tests/run.sh --list
# Exit codes: 0 all passed or skipped, 1 something failed, 2 the machine could not be set up or a name is unknown.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
checks=(format lints docs links library_alone package scripts tests readers sample_by_bash schemas sample_by_sbatch presets full refusals srun_without_pmix
  ablation_by_bash cluster_profiles templates shards_by_sbatch ablation_by_sbatch job_life lost_nodes real_model)
logs=$root/target/test-logs
passed=0 failed=0 skipped=0
work=''

# --- Running and counting -------------------------------------------------------------------------------------------

# The cluster ends with the tests, also where they are interrupted.
clean_up() {
  [[ -n $work ]] || return 0
  bash "$root/tests/slurm/down.sh" "$work/cluster" || true
  rm -rf "$work"
}

# A check may be many tests: cargo's result lines are added up. A skipped test returned early, so cargo counts it as passed.
count() { # CODE LOG
  local good=1 bad=0 skips
  if grep -q '^test result: ' "$2"; then
    good=$(sum passed "$2") bad=$(sum failed "$2")
  elif [[ $1 != 0 ]]; then
    good=0
  fi
  if [[ $1 != 0 && $bad == 0 ]]; then bad=1; fi
  skips=$(skips "$2" | wc -l)
  passed=$((passed + good - skips)) failed=$((failed + bad)) skipped=$((skipped + skips))
}

sum() { # WORD LOG
  sed -n "s/^test result: .* \([0-9][0-9]*\) $1;.*/\1/p" "$2" | awk '{ total += $1 } END { print total + 0 }'
}

skips() { # LOG…
  grep -hoE 'SKIPPED [A-Za-z0-9_:./-]+: .*' "$@" | sort -u || true
}

run_check() { # NAME
  local log=$logs/$1.log start=$SECONDS code
  printf '== %s\n' "$1"
  # In a condition bash would not stop at the first command that fails.
  set +e
  (set -e && cd -- "$root" && "check_$1") >"$log" 2>&1
  code=$?
  set -e
  count "$code" "$log"
  if [[ $code == 0 ]]; then
    printf '   ok, %s s\n' "$((SECONDS - start))"
  else
    printf '   FAILED (exit code %s), %s s; the end of %s:\n' "$code" "$((SECONDS - start))" "$log"
    tail -n 40 "$log" | sed 's/^/   | /'
  fi
  # What a check has to say to the reader, such as a wall time.
  sed -n 's/^NOTE /   /p' "$log"
}

fail() {
  printf 'error: %s\n' "$*"
  exit 1
}

# --- Rust -----------------------------------------------------------------------------------------------------------

check_format() { cargo fmt --all --check; }

check_lints() { cargo clippy --release --locked --workspace --all-targets -- -D warnings; }

check_docs() { RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --workspace --no-deps; }

# Every relative link of a page leads to a file or folder that is there.
check_links() {
  local page target broken=''
  while IFS=: read -r page target; do
    target=${target#*(} && target=${target%%[)#]*}
    [[ -z $target || $target == http* || -e $(dirname -- "$page")/$target ]] || broken+=" $page → $target;"
  done < <(grep -oHE '\]\([^)]+\)' ./*.md docs/*.md benches/*.md)
  [[ -z $broken ]] || fail "links that lead nowhere:$broken"
}

# The library without its command line, on a machine without libtorch.
check_library_alone() {
  env -u LIBTORCH cargo clippy --release --locked --package medinjection-fr --lib --no-default-features -- -D warnings
}

# What a registry would get of the library, 10 MB at most. That it compiles by itself is left to `cargo publish --dry-run`.
check_package() {
  rm -f target/package/medinjection-fr-*.crate
  cargo package --offline --locked --allow-dirty --no-verify --package medinjection-fr
  [[ $(cat target/package/medinjection-fr-*.crate | wc -c) -lt 10000000 ]] || fail 'the package is larger than 10 MB'
  local version
  version=$(cargo pkgid --package medinjection-fr)
  version=${version##*[#@]}
  grep -qx "version: $version" CITATION.cff || fail "CITATION.cff is not of version $version"
}

# Both packages, with the tests that start real processes under mpirun.
check_tests() { cargo test --release --locked --workspace --no-fail-fast -- --nocapture; }

check_scripts() {
  local scripts
  mapfile -t scripts < <(find .ci launcher slurm tests -name '*.sh' -o -path .ci/run)
  shellcheck --external-sources "${scripts[@]}"
  python3 tests/check_sample_questions.py
  python3 launcher/tiny_model.py --out "$work/tiny"
  [[ $(cat "$work"/tiny/* | wc -c) -lt 200000 ]] || fail 'the tiny model is larger than 200 KB'
}

# A data set in both layouts, read by the programs that its users have.
check_readers() {
  local python=${MEDINJECTION_READERS_PYTHON:-python3} medinjection=target/release/medinjection data=$work/readers
  if ! "$python" -c 'import mlcroissant, datasets, pyarrow, pandas, polars, duckdb'; then
    printf 'SKIPPED readers: %s lacks a package of tests/parity/requirements-readers.txt\n' "$python"
    return 0
  fi
  [[ -x $medinjection ]] || cargo build --release --locked
  "$medinjection" build --sample --out "$data/records"
  "$medinjection" build --sample --layout published --out "$data/published"
  "$medinjection" inspect show "$data/records" --limit 100000 --json >"$data/records.json"
  "$python" tests/parity/croissant.py "$data/records" "$data/published"
  "$python" tests/parity/readers.py "$data/records" "$data/records.json" "$data/published"
}

# --- The chain ------------------------------------------------------------------------------------------------------

# The sample on the tiny model.
chain() { # OUT TEMPLATE [ENVIRONMENT…]
  env MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_OUT="$1" "${@:3}" bash "slurm/$2.sh"
}

# Name, time and content of every file but the locks.
snapshot() { # FOLDER
  (cd -- "$1" && find . -type f ! -name '.*.lock' -printf '%p %T@\n' -exec sha256sum {} + | sort)
}

first_chain() { [[ -e $work/bash/sample-tiny/native_translated/report.html ]] || chain "$work/bash" native_translated; }

check_sample_by_bash() {
  first_chain
  local run=$work/bash/sample-tiny/native_translated file
  for file in config.toml environment.json mixture.json metrics.jsonl status.json report.html adapter/adapter_config.json \
    adapter/adapter_model.safetensors {predictions,scores}/{base,tuned}.json; do
    [[ -s $run/$file || -s ${run}/${file}l ]] || fail "$run/$file is missing"
  done
  grep -q '"completed"' "$run/status.json" || fail 'the run is not completed'
  snapshot "$work/bash" >"$work/first"
  chain "$work/bash" native_translated
  snapshot "$work/bash" >"$work/second"
  diff "$work/first" "$work/second" || fail 'the second run has written something'
  # Another mixture in the same place is refused, and nothing is lost.
  local code=0
  chain "$work/bash" native_translated MEDINJECTION_SIZE=48 || code=$?
  [[ $code == 2 ]] || fail "a mixture of another size ended with $code, expected 2"
  snapshot "$work/bash" | diff "$work/first" - || fail 'the refused run has written something'
}

# The system's Python has the validator, whichever Python comes first on PATH.
check_schemas() {
  first_chain
  /usr/bin/python3 tests/check_schemas.py "$work/bash/sample-tiny"
}

start_cluster() {
  if [[ $(id -u) != 0 ]]; then
    printf 'SKIPPED %s: only root can start a Slurm\n' "$1"
    return 1
  fi
  [[ -e $work/cluster/env.sh ]] || bash tests/slurm/up.sh "$work/cluster"
  # shellcheck source=/dev/null
  source "$work/cluster/env.sh"
}

# One rank a node under a real Slurm, and two ranks under mpirun: the same bytes.
check_sample_by_sbatch() {
  start_cluster sample_by_sbatch || return 0
  first_chain
  local code=0
  MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_OUT=$work/sbatch \
    timeout 1200 sbatch --wait --nodes=2 --output="$work/job.log" slurm/native_translated.sh || code=$?
  cat "$work/job.log"
  [[ $code == 0 ]] || fail "the job ended with $code"
  # Speed, memory, time and place differ; the report shows them, and TensorBoard's file.
  diff -r --exclude=metrics.jsonl --exclude=environment.json --exclude=tensorboard --exclude='report.html*' --exclude='.*.lock' "$work/bash" "$work/sbatch" ||
    fail 'the job has written other bytes than bash'
}

check_presets() {
  local preset
  for preset in native translated synthetic native_translated native_synthetic translated_synthetic all; do
    chain "$work/bash" "$preset"
    [[ -s $work/bash/sample-tiny/$preset/report.html ]] || fail "$preset has no report"
  done
}

# The profile of a large cluster, with a small data set and a small model.
check_full() {
  first_chain
  local run=$work/full/full/native_translated
  env MEDINJECTION_PROFILE=full MEDINJECTION_DEVICE=cpu MEDINJECTION_DATA="$work/bash/sample-tiny/dataset" \
    MEDINJECTION_MODEL="$work/bash/sample-tiny/model/tiny-random-qwen3" MEDINJECTION_OUT="$work/full" \
    MEDINJECTION_SIZE=96 MEDINJECTION_SET='train.epochs=2 train.global_batch_size=48' bash slurm/native_translated.sh
  [[ -s $run/report.html ]] || fail 'there is no report'
  [[ $(grep -c '"loss"' "$run/metrics.jsonl") == 4 ]] || fail "expected 4 steps in $run/metrics.jsonl"
}

# Ends with exit code 2, a message that holds PATTERN, and nothing written.
refuses() { # PATTERN ENVIRONMENT…
  local code=0 said
  said=$(env MEDINJECTION_OUT="$work/refused" "${@:2}" bash "slurm/${script:-native}.sh" 2>&1) || code=$?
  [[ $code == 2 ]] || fail "${*:2}: exit code $code, expected 2: $said"
  [[ $said == *$1* ]] || fail "${*:2}: expected '$1' in: $said"
  [[ ! -e $work/refused ]] || fail "${*:2}: something was written"
}

check_refusals() {
  local full=MEDINJECTION_PROFILE=full
  python3 launcher/tiny_model.py --out "$work/tiny"
  mkdir -p "$work/empty"
  printf '{}' >"$work/empty/manifest.json"
  refuses 'MEDINJECTION_DATA' $full
  refuses 'manifest.json' $full "MEDINJECTION_DATA=$work"
  refuses 'prefetch.sh --model' $full "MEDINJECTION_DATA=$work/empty" "HF_HUB_CACHE=$work/hub"
  refuses 'config.json' $full "MEDINJECTION_DATA=$work/empty" "MEDINJECTION_MODEL=$work/empty"
  refuses 'expected auto, cpu or cuda' $full "MEDINJECTION_DATA=$work/empty" "MEDINJECTION_MODEL=$work/tiny" MEDINJECTION_DEVICE=tpu
  refuses 'expected sample or full' MEDINJECTION_PROFILE=small
  refuses 'expected auto, smollm2 or tiny' MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=large
  script=build refuses 'expected a number from 1' MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_SHARDS=0
  refuses 'is not found' "MEDINJECTION_HOME=$root/.."
}

# Without PMIx the ranks cannot find one another: one message, and no hang.
check_srun_without_pmix() {
  start_cluster srun_without_pmix || return 0
  first_chain
  local code=0 data=$work/bash/sample-tiny
  timeout 120 srun --mpi=none --ntasks=2 --nodes=2 target/release/medinjection-launch train --config slurm/sft.toml \
    --set "model.path=$data/model/tiny-random-qwen3" --set "data.train=$data/mixtures/native_translated/train.jsonl" \
    --set "output.dir=$work/without-pmix" >"$work/said" 2>&1 || code=$?
  cat "$work/said"
  [[ $code == 2 ]] || fail "srun ended with $code, expected 2"
  [[ $(grep -c -e '--mpi=pmix' "$work/said") == 1 ]] || fail 'expected one line that names --mpi=pmix'
  [[ ! -e $work/without-pmix ]] || fail 'something was written'
}

# What the README promises: the sample on a real model.
check_real_model() {
  if [[ -z ${MEDINJECTION_SMOLLM2_GGUF:-} ]]; then
    printf 'SKIPPED real_model: SmolLM2-135M-Instruct could not be had from the package registry\n'
    return 0
  fi
  local start=$SECONDS
  env MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=smollm2 MEDINJECTION_OUT="$work/real" bash slurm/native_translated.sh
  printf 'NOTE the sample on SmolLM2-135M-Instruct took %s s\n' "$((SECONDS - start))"
  [[ -s $work/real/sample/native_translated/report.html ]] || fail 'there is no report'
}

# shellcheck source=tests/slurm/checks.sh
source "$root/tests/slurm/checks.sh"

# --- Main -----------------------------------------------------------------------------------------------------------

choose_checks() { # NAME…
  local name
  if [[ ${1:-} == --list ]]; then
    printf '%s\n' "${checks[@]}"
    exit 0
  fi
  for name in "$@"; do
    [[ " ${checks[*]} " == *" $name "* ]] || { printf 'unknown check %s; expected: %s\n' "$name" "${checks[*]}" >&2 && exit 2; }
  done
  [[ $# == 0 ]] || checks=("$@")
}

main() {
  choose_checks "$@"
  # The user's own settings of the chain are not those of the tests.
  unset MEDINJECTION_PROFILE MEDINJECTION_OUT MEDINJECTION_SET MEDINJECTION_SIZE MEDINJECTION_SAMPLE_MODEL
  unset MEDINJECTION_DATA MEDINJECTION_MODEL MEDINJECTION_DEVICE MEDINJECTION_HOME SLURM_CONF
  unset MEDINJECTION_CLUSTER MEDINJECTION_MPI MEDINJECTION_TEST_SETS MEDINJECTION_DATASET_CONFIG MEDINJECTION_SHARDS MEDINJECTION_SBATCH_FLAGS
  unset MEDINJECTION_MODULES MEDINJECTION_MAX_REQUEUES MEDINJECTION_LOCK_SECONDS IDRPROJ "${!SBATCH_@}"
  bash "$root/launcher/bootstrap.sh" --with-tests </dev/null || { printf '0 passed, 1 failed, 0 skipped\n' && exit 2; }
  # shellcheck source=/dev/null
  source "$root/launcher/env.sh"
  mkdir -p "$logs"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  work=$(mktemp -d)
  # Slurm's and munge's users have to look inside.
  chmod 755 "$work"
  local name ran=()
  for name in "${checks[@]}"; do
    run_check "$name" </dev/null
    ran+=("$logs/$name.log")
  done
  printf '== %s s in all; full output: %s\n' "$SECONDS" "$logs"
  skips "${ran[@]}"
  printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [[ $failed == 0 ]]
}

main "$@"
