#!/usr/bin/env bash
# The whole chain of one preset, which the seven templates run: set-up, build, mix, render, train, predict, score, report.
#   bash slurm/common.sh PRESET [--force] [--train-only]   the chain of a preset; --train-only ends it after the training
#   bash slurm/common.sh build [--force]                    data set, model and questions alone (slurm/build.sh)
#   bash slurm/common.sh evaluate [MODEL…] [--force]        answers and scores of models (slurm/evaluate.sh)
#   bash slurm/common.sh report [--force]                   one page over all presets (slurm/report.sh)
# --force replaces what was made from other inputs. A step whose output is up to date is not done again.
#
# Environment
#   MEDINJECTION_PROFILE       sample (default outside Slurm) or full (default under Slurm)
#   MEDINJECTION_OUT           where runs go (default: runs/ in the repository)
#   MEDINJECTION_SET           more overrides of slurm/sft.toml, such as "train.max_steps=20 optim.learning_rate=2e-4"
#   MEDINJECTION_SIZE          training records of the mixture (default: 96 for sample, the preset's own for full)
#   MEDINJECTION_SAMPLE_MODEL  sample: auto (default), smollm2 or tiny (random weights: scores mean nothing)
#   MEDINJECTION_DATA          full: folder of a data set that `medinjection build` wrote
#   MEDINJECTION_MODEL         full: folder of a model, or org/name[@revision] in the Hugging Face cache
#                              (default Qwen/Qwen3-4B-Instruct-2507)
#   MEDINJECTION_DEVICE        full: auto (default), cpu or cuda
#   MEDINJECTION_DATASET_CONFIG  full: what `build` builds MEDINJECTION_DATA from, where it is not there
#   MEDINJECTION_SHARDS        build: how many jobs read and check the files; in an array each makes its shard, elsewhere they are merged
#   MEDINJECTION_TEST_SETS     evaluate: more evaluation rows than the test split's, as in "name=/path/to/rows.jsonl"
#   MEDINJECTION_CLUSTER       the profile slurm/cluster/NAME.env, which sets it when it is sourced
#   MEDINJECTION_MPI           auto (default), srun or mpirun: what starts the ranks of a job
#   MEDINJECTION_MAX_REQUEUES  how often a job starts again after a dead rank (default 3)
#   MEDINJECTION_HOME          the repository, where a job cannot find it
#   MEDINJECTION_CACHE         downloads of the set-up (default ~/.cache/medinjection)
# Exit codes: 0 done, 2 could not be done, 75, 130 and 143 stopped by a signal.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
force=()
train_only=''
models=()
step_index=0
presets=(native translated synthetic native_translated native_synthetic translated_synthetic all)

die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

note() { printf '%s\n' "$*"; }

# shellcheck source=slurm/lib/life.sh
source "$root/slurm/lib/life.sh"
# shellcheck source=slurm/lib/cluster.sh
source "$root/slurm/lib/cluster.sh"
# shellcheck source=slurm/lib/profiles.sh
source "$root/slurm/lib/profiles.sh"

# --- Steps ----------------------------------------------------------------------------------------------------------

# Runs one command of the chain under a heading. What is not a signal's code becomes 2: launchers distort codes.
step() { # TITLE COMMAND…
  local title=$1 start=$SECONDS code
  shift
  step_index=$((step_index + 1))
  note "== $step_index. $title"
  # In a condition bash would not stop at the first command that fails.
  set +e
  if [[ -n $in_slurm ]]; then
    # In the background, so that the shell can act on a signal at once.
    (set -e && "$@") &
    await $!
  else
    (set -e && "$@")
  fi
  code=$?
  set -e
  [[ $code == 0 ]] || after_failure "$title" "$code"
  case $code in
    0)
      note "   $((SECONDS - start)) s"
      [[ -z $time_up ]] || requeue_for_time "after $title"
      ;;
    75 | 130 | 143) note "   stopped by a signal after $((SECONDS - start)) s" && exit "$code" ;;
    *) die "the step \"$title\" failed (its exit code: $code)" ;;
  esac
}

# What several presets share is made by one job at a time.
locked() { # LOCK COMMAND…
  local lock=$1
  shift
  (
    exec 8>"$lock"
    flock --nonblock 8 || { note "   waiting for another job that holds $lock" && flock 8; }
    "$@" 8>&-
  )
}

# Runs a command on all ranks.
launch() { # COMMAND…
  if [[ $starter == srun ]]; then
    # The steps of a job do not inherit the job's cores by themselves.
    export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}
    run_ranks srun --label --mpi="$slurm_mpi" --ntasks="$ranks" --kill-on-bad-exit=1 "$@" || explain_srun $?
  else
    run_ranks mpirun -n "$ranks" "${mpirun_options[@]}" "$@"
  fi
}

explain_srun() { # CODE
  [[ $slurm_mpi == pmix* ]] ||
    note "   SLURM_MPI_TYPE=$slurm_mpi: without PMIx the ranks may not find one another; unset it, or export SLURM_MPI_TYPE=pmix"
  return "$1"
}

# srun where it can join the ranks, which is where Slurm has PMIx; else the mpirun of the module that is loaded.
choose_launcher() {
  in_slurm=${SLURM_JOB_ID:-}
  slurm_mpi=${SLURM_MPI_TYPE:-pmix}
  # The elements of an array share the array's number.
  job_name=${SLURM_JOB_ID:-}
  [[ -z ${SLURM_ARRAY_JOB_ID:-} ]] || job_name=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
  starter=${MEDINJECTION_MPI:-auto}
  case $starter in
    auto) if [[ -z $in_slurm ]] || ! srun_joins_ranks && command -v mpirun >/dev/null; then starter=mpirun; else starter=srun; fi ;;
    srun | mpirun) ;;
    *) die "MEDINJECTION_MPI=$starter: expected auto, srun or mpirun" ;;
  esac
  if [[ $starter == srun ]]; then
    srun_joins_ranks ||
      die "this Slurm has no PMIx (srun --mpi=list): ask for the plugin, load a module with mpirun, or export SLURM_MPI_TYPE for an MPI that needs another"
    return 0
  fi
  mpirun_options=()
  if [[ $(mpirun --version 2>/dev/null) == *'Open MPI'* ]]; then
    # Two ranks on a laptop's cores: bound to one core each they would wait for whatever else runs there.
    mpirun_options=(--bind-to none)
    [[ -n $in_slurm ]] || mpirun_options+=(--oversubscribe)
    [[ $(id -u) != 0 ]] || mpirun_options+=(--allow-run-as-root)
  fi
}

srun_joins_ranks() { [[ -n ${SLURM_MPI_TYPE:-} || $(srun --mpi=list 2>&1) == *pmix* ]]; }

# --- The chain ------------------------------------------------------------------------------------------------------

# Jobs that start together build once: the others wait, and then find nothing to do.
build_programs() {
  local arguments=(--release --workspace --locked)
  # Inside a job nothing is downloaded.
  [[ -z $in_slurm ]] || arguments+=(--offline)
  mkdir -p "$target"
  (cd -- "$root" && locked "$target/.build.lock" cargo build "${arguments[@]}")
}

set_up() {
  local arguments=()
  [[ -z $in_slurm ]] || arguments=(--offline)
  bash "$root/launcher/bootstrap.sh" "${arguments[@]}"
}

make_sample() {
  "$medinjection" build --sample --out dataset "${force[@]}"
  case $model in
    *tiny*) python3 "$root/launcher/tiny_model.py" --out "$model" ;;
    *) "$launcher" import-gguf "$MEDINJECTION_SMOLLM2_GGUF" --out "$model" "${force[@]}" ;;
  esac
}

# One evaluation file for all presets, so that their runs can be compared.
prepare() {
  [[ $profile == full ]] || make_sample
  "$medinjection" render --dataset "$dataset" --split test --out test.jsonl "${force[@]}"
}

predict() { # OUT [OPTIONS…]
  launch "$launcher" predict --model "$model" --data "${test_rows:-test.jsonl}" --out "$1" --device "$device" "${@:2}" "${force[@]}"
}

# The base model answers the same whatever the mixture: its predictions are made once and copied into each run.
predict_base() {
  predict base.jsonl
  local file
  mkdir -p "$run/predictions"
  for file in base.jsonl base.jsonl.lineage.json; do
    cmp --silent "$file" "$run/predictions/$file" && continue
    cp "$file" "$run/predictions/$file.partial"
    mv "$run/predictions/$file.partial" "$run/predictions/$file"
  done
}

train() {
  local assignment
  [[ ! -s mixtures/$preset/validation.jsonl ]] || train_options+=(--set "data.validation=mixtures/$preset/validation.jsonl")
  for assignment in ${MEDINJECTION_SET:-}; do train_options+=(--set "$assignment"); done
  launch "$launcher" train --config "$root/slurm/sft.toml" --set "model.path=$model" \
    --set "data.train=mixtures/$preset/train.jsonl" --set "output.dir=$run" --resume "${train_options[@]}" "${force[@]}"
}

score() { "$medinjection" score --predictions "$run/predictions/$1.jsonl" --out "$run/scores/$1.json" "${force[@]}"; }

introduce() {
  note "$job, profile $profile, model $model, $ranks ranks on $device, $OMP_NUM_THREADS threads each"
  [[ $model != *tiny-random* ]] || note "warning: the model's weights are random, so its scores mean nothing"
}

run_chain() {
  introduce
  step 'data, model and questions' locked .shared.lock prepare
  step 'mixture' "$medinjection" mix --preset "$preset" --dataset "$dataset" --out "mixtures/$preset" \
    "${mix_options[@]}" "${force[@]}"
  before_training
  step 'training' train
  if [[ -n $train_only ]]; then
    note "run: $out/$run ($SECONDS s in all)"
    return 0
  fi
  evaluate_preset
  step 'report' "$medinjection" report "$run" --out "$run/report.html" "${force[@]}"
  note "report: $out/$run/report.html ($SECONDS s in all)"
}

evaluate_preset() {
  step 'answers of the base model' locked .base.lock predict_base
  step 'answers of the tuned model' predict "$run/predictions/tuned.jsonl" --adapter "$run"
  step 'scores of the base model' score base
  step 'scores of the tuned model' score tuned
}

# A test set of the user's own: its answers stand beside those of the test split.
evaluate_other() { # MODEL NAME FILE
  local name=tuned-$2 adapter=(--adapter "$1")
  run=$1
  if [[ $1 == base ]]; then name=$2 adapter=(); fi
  [[ -r $3 ]] || die "MEDINJECTION_TEST_SETS: the rows of $2, $3, cannot be read"
  test_rows=$3
  step "answers of $1 to $2" predict "$run/predictions/$name.jsonl" "${adapter[@]}"
  step "scores of $1 on $2" score "$name"
}

# One element of an array is one model and one test set; without an array all are made, one after the other.
run_evaluation() {
  local model_name test pairs=()
  introduce
  [[ ${#models[@]} != 0 ]] || models=(base "${presets[@]}")
  for model_name in "${models[@]}"; do
    for test in test ${MEDINJECTION_TEST_SETS:-}; do pairs+=("$model_name $test"); done
  done
  if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then
    ((SLURM_ARRAY_TASK_ID < ${#pairs[@]})) ||
      die "array element $SLURM_ARRAY_TASK_ID: there are ${#pairs[@]} models and test sets; submit with --array=0-$((${#pairs[@]} - 1))"
    pairs=("${pairs[SLURM_ARRAY_TASK_ID]}")
  fi
  step 'data, model and questions' locked .shared.lock prepare
  for test in "${pairs[@]}"; do
    read -r model_name test <<<"$test"
    run=$model_name
    note "-- $model_name, ${test%%=*}"
    case $model_name:$test in
      base:test) step 'answers of the base model' locked .base.lock predict base.jsonl ;;
      *:test) evaluate_preset ;;
      *) evaluate_other "$model_name" "${test%%=*}" "${test#*=}" ;;
    esac
  done
}

run_build() {
  local index
  introduce
  if [[ ! -e $dataset/manifest.json ]]; then
    if [[ -n $shard ]]; then
      step "shard $shard of the data set" build_dataset --shard "$shard"
    elif [[ -n $shards ]]; then
      # Without Slurm there is one machine, and one shard after the other.
      for ((index = 1; index <= shards && ${#in_slurm} == 0; index++)); do
        step "shard $index/$shards of the data set" build_dataset --shard "$index/$shards"
      done
      step 'data set' build_dataset --merge "$shards"
    elif [[ $profile == full ]]; then
      step 'data set' build_dataset
    fi
  fi
  [[ -n $shard ]] || step 'data, model and questions' locked .shared.lock prepare
}

# Which shard an element of an array makes, in $shard, and of how many, in $shards.
choose_shard() {
  shard='' shards=${MEDINJECTION_SHARDS:-}
  [[ -z $shards || $shards =~ ^[1-9][0-9]{0,4}$ ]] || die "MEDINJECTION_SHARDS=$shards: expected a number from 1 to 99999"
  [[ -n ${SLURM_ARRAY_TASK_ID:-} ]] || return 0
  # An array that makes some shards again cannot know of how many.
  [[ -n $shards || ${SLURM_ARRAY_TASK_MIN:-} != 1 || ${SLURM_ARRAY_TASK_COUNT:-} != "${SLURM_ARRAY_TASK_MAX:-}" ]] ||
    shards=$SLURM_ARRAY_TASK_MAX
  [[ -n $shards ]] ||
    die "array element $SLURM_ARRAY_TASK_ID: submit with --array=1-N; to make some of N shards again, with MEDINJECTION_SHARDS=N"
  ((1 <= SLURM_ARRAY_TASK_ID && SLURM_ARRAY_TASK_ID <= shards)) ||
    die "array element $SLURM_ARRAY_TASK_ID: there are $shards shards (MEDINJECTION_SHARDS); submit with --array=1-$shards"
  shard=$SLURM_ARRAY_TASK_ID/$shards
}

# Rejected records are no failure: they stand in the data set with their reasons.
build_dataset() { # [OPTIONS…]
  local code=0 what=(--sample)
  if [[ $profile == full ]]; then
    [[ -r ${MEDINJECTION_DATASET_CONFIG:-} ]] ||
      die "there is no data set in $dataset; to build it, set MEDINJECTION_DATASET_CONFIG to its configuration (docs/data.md)"
    what=(--config "$MEDINJECTION_DATASET_CONFIG")
  fi
  "$medinjection" build "${what[@]}" --out "$dataset" "$@" "${force[@]}" || code=$?
  [[ $code -le 1 ]] || return "$code"
}

# What is there of the study: a preset whose training has failed is named, and the others are compared.
run_report() {
  local preset runs=()
  for preset in "${presets[@]}"; do
    if [[ -s $preset/scores/tuned.json ]]; then runs+=("$preset"); else note "missing: $preset has no scores"; fi
  done
  [[ ${#runs[@]} != 0 ]] || die "$out: no run has scores; type: bash slurm/ablation.sh"
  # What is there grows from one submission to the next.
  step 'report' "$medinjection" report "${runs[@]}" --out ablation.html --force
  note "report: $out/ablation.html (${#runs[@]} of ${#presets[@]} mixtures)"
}

parse_arguments() {
  local argument
  [[ $# -ge 1 && " ${presets[*]} build evaluate report " == *" $1 "* ]] ||
    die "usage: bash slurm/common.sh PRESET|build|evaluate|report [--force] [--train-only]"
  job=$1 preset=$1
  for argument in "${@:2}"; do
    case $argument in
      --force) force=(--force) ;;
      --train-only) train_only=yes ;;
      *)
        [[ $job == evaluate && " base ${presets[*]} " == *" $argument "* ]] ||
          die "unknown argument $argument; expected --force, --train-only, or for evaluate: base ${presets[*]}"
        models+=("$argument")
        ;;
    esac
  done
  [[ -z ${MEDINJECTION_HOME:-} || $(cd -- "$MEDINJECTION_HOME" 2>/dev/null && pwd) == "$root" ]] ||
    die "MEDINJECTION_HOME=$MEDINJECTION_HOME is not the repository of this script, $root"
}

main() {
  parse_arguments "$@"
  load_cluster
  choose_launcher
  begin_life
  check_cluster
  profile=${MEDINJECTION_PROFILE:-$(if [[ -n $in_slurm ]]; then echo full; else echo sample; fi)}
  [[ $profile == sample || $profile == full ]] || die "MEDINJECTION_PROFILE=$profile: expected sample or full"
  [[ $job != build ]] || choose_shard
  step 'set-up' set_up
  # shellcheck source=/dev/null
  source "$root/launcher/env.sh"
  "profile_$profile"
  target=${CARGO_TARGET_DIR:-$root/target}
  step 'programs' build_programs
  # What was built, for the run's environment.json; nothing where git does not know.
  MEDINJECTION_COMMIT=$(git -C "$root" describe --always --exclude='*' --abbrev=40 --dirty 2>/dev/null) || true
  export MEDINJECTION_COMMIT
  medinjection=$target/release/medinjection launcher=$target/release/medinjection-launch
  out=${MEDINJECTION_OUT:-$root/runs}
  mkdir -p "$out/$profile"
  # Relative paths from here on: what is written does not depend on where the folder lies.
  out=$(cd -- "$out/$profile" && pwd)
  cd -- "$out"
  run=$preset
  case $job in
    build) run_build ;;
    evaluate) run_evaluation ;;
    report) run_report ;;
    *) run_chain ;;
  esac
  end_life
}

main "$@"
