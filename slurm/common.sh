#!/usr/bin/env bash
# The whole chain of one preset, which the seven templates run: set-up, build, mix, render, train, predict, score, report.
#   bash slurm/common.sh PRESET [--force]
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
#   MEDINJECTION_HOME          the repository, where a job cannot find it
#   MEDINJECTION_CACHE         downloads of the set-up (default ~/.cache/medinjection)
# Exit codes: 0 done, 2 could not be done, 75, 130 and 143 stopped by a signal.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
force=()
step_index=0

die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

note() { printf '%s\n' "$*"; }

# --- Steps ----------------------------------------------------------------------------------------------------------

# Runs one command of the chain under a heading. What is not a signal's code becomes 2: launchers distort codes.
step() { # TITLE COMMAND…
  local title=$1 start=$SECONDS code
  shift
  step_index=$((step_index + 1))
  note "== $step_index. $title"
  # In a condition bash would not stop at the first command that fails.
  set +e
  (set -e && "$@")
  code=$?
  set -e
  case $code in
    0) note "   $((SECONDS - start)) s" ;;
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
  if [[ -n $in_slurm ]]; then
    # The steps of a job do not inherit the job's cores by themselves.
    export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}
    srun --mpi="$slurm_mpi" --ntasks="$ranks" --kill-on-bad-exit=1 "$@" || explain_srun $?
  else
    mpirun -n "$ranks" "${mpirun_options[@]}" "$@"
  fi
}

explain_srun() { # CODE
  [[ $slurm_mpi == pmix* ]] ||
    note "   SLURM_MPI_TYPE=$slurm_mpi: without PMIx the ranks may not find one another; unset it, or export SLURM_MPI_TYPE=pmix"
  return "$1"
}

choose_launcher() {
  in_slurm=${SLURM_JOB_ID:-}
  slurm_mpi=${SLURM_MPI_TYPE:-pmix}
  if [[ -n $in_slurm ]]; then
    [[ $(srun --mpi=list 2>&1) == *pmix* ]] || [[ -n ${SLURM_MPI_TYPE:-} ]] ||
      die "this Slurm has no PMIx (srun --mpi=list): ask for the plugin, or export SLURM_MPI_TYPE for an MPI that needs another"
    return 0
  fi
  mpirun_options=()
  if [[ $(mpirun --version 2>/dev/null) == *'Open MPI'* ]]; then
    # Two ranks on a laptop's cores: bound to one core each they would wait for whatever else runs there.
    mpirun_options=(--bind-to none --oversubscribe)
    [[ $(id -u) != 0 ]] || mpirun_options+=(--allow-run-as-root)
  fi
}

# --- Profiles -------------------------------------------------------------------------------------------------------

# Small enough for two cores, and the same numbers on every machine: one thread a rank, two ranks.
profile_sample() {
  local choice=${MEDINJECTION_SAMPLE_MODEL:-auto}
  if [[ $choice == auto ]]; then
    choice=smollm2
    [[ -n ${MEDINJECTION_SMOLLM2_GGUF:-} ]] || choice=tiny
  fi
  case $choice in
    smollm2)
      [[ -n ${MEDINJECTION_SMOLLM2_GGUF:-} ]] ||
        die "MEDINJECTION_SAMPLE_MODEL=smollm2, but the model is not there; type: bash launcher/bootstrap.sh"
      model=model/SmolLM2-135M-Instruct
      ;;
    tiny) model=model/tiny-random-qwen3 profile=sample-tiny ;;
    *) die "MEDINJECTION_SAMPLE_MODEL=$choice: expected auto, smollm2 or tiny" ;;
  esac
  dataset=dataset
  ranks=2
  device=cpu
  export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
  mix_options=(--size "${MEDINJECTION_SIZE:-96}")
  train_options=(--set train.epochs=1 --set train.global_batch_size=12 --set train.micro_batch_size=2)
}

profile_full() {
  dataset=${MEDINJECTION_DATA:-}
  [[ -n $dataset ]] || die "profile full needs MEDINJECTION_DATA, the folder of a data set; build one by:" \
    "target/release/medinjection build --config FILE --out DIR (or choose MEDINJECTION_PROFILE=sample)"
  [[ -e $dataset/manifest.json ]] || die "MEDINJECTION_DATA=$dataset: there is no manifest.json, so it is no finished data set"
  dataset=$(cd -- "$dataset" && pwd)
  find_model "${MEDINJECTION_MODEL:-Qwen/Qwen3-4B-Instruct-2507}"
  choose_device "${MEDINJECTION_DEVICE:-auto}"
  # As many threads as the job has cores for each rank; elsewhere a fixed number, so that bytes can be had again.
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}
  export MKL_NUM_THREADS=$OMP_NUM_THREADS
  mix_options=()
  [[ -z ${MEDINJECTION_SIZE:-} ]] || mix_options=(--size "$MEDINJECTION_SIZE")
  train_options=()
}

# A folder, or a snapshot in the Hugging Face cache.
find_model() { # FOLDER | ORG/NAME[@REVISION]
  local name=${1%@*} revision=main hub=${HF_HUB_CACHE:-${HF_HOME:-${HOME:-}/.cache/huggingface}/hub} repository
  if [[ -d $1 ]]; then
    [[ -e $1/config.json ]] || die "MEDINJECTION_MODEL=$1: there is no config.json in it"
    model=$(cd -- "$1" && pwd)
    return 0
  fi
  [[ $1 =~ ^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(@.+)?$ ]] ||
    die "MEDINJECTION_MODEL=$1: neither a folder nor org/name[@revision]"
  [[ $1 != *@* ]] || revision=${1##*@}
  repository=$hub/models--${name//\//--}
  local commit=$revision
  [[ ! -e $repository/refs/$revision ]] || commit=$(<"$repository/refs/$revision")
  model=$repository/snapshots/$commit
  [[ -e $model/config.json ]] || die "the model $1 is not in $hub; type on a machine with network:" \
    "hf download $name --revision $revision"
}

choose_device() { # auto | cpu | cuda
  local gpu='' cuda_build=''
  [[ ! -e /dev/nvidia0 && -z ${CUDA_VISIBLE_DEVICES:-} ]] || gpu=yes
  [[ ! -e $LIBTORCH/lib/libtorch_cuda.so ]] || cuda_build=yes
  device=$1
  case $1 in
    auto) if [[ -n $gpu ]]; then device=cuda; else device=cpu; fi ;;
    cpu | cuda) ;;
    *) die "MEDINJECTION_DEVICE=$1: expected auto, cpu or cuda" ;;
  esac
  ranks=${SLURM_NTASKS:-2}
  [[ -n $in_slurm || $device == cpu ]] || ranks=1
  [[ $device == cuda ]] || return 0
  [[ -n $gpu ]] || die "MEDINJECTION_DEVICE=cuda, but no GPU is visible; submit with --gres=gpu:1, or set MEDINJECTION_DEVICE=cpu"
  [[ -n $cuda_build ]] || die "$LIBTORCH is without CUDA; type on the login node: bash launcher/bootstrap.sh --cuda"
  [[ $ranks == 1 ]] || die "training on $ranks GPUs needs NCCL, which is not there yet;" \
    "submit with: sbatch --ntasks=1 --gres=gpu:1, or set MEDINJECTION_DEVICE=cpu"
}

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
  launch "$launcher" predict --model "$model" --data test.jsonl --out "$1" --device "$device" "${@:2}" "${force[@]}"
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

run_chain() {
  note "preset $preset, profile $profile, model $model, $ranks ranks on $device, $OMP_NUM_THREADS threads each"
  [[ $model != *tiny-random* ]] || note "warning: the model's weights are random, so its scores mean nothing"
  step 'data, model and questions' locked .shared.lock prepare
  step 'mixture' "$medinjection" mix --preset "$preset" --dataset "$dataset" --out "mixtures/$preset" \
    "${mix_options[@]}" "${force[@]}"
  step 'training' train
  step 'answers of the base model' locked .base.lock predict_base
  step 'answers of the tuned model' predict "$run/predictions/tuned.jsonl" --adapter "$run"
  step 'scores of the base model' score base
  step 'scores of the tuned model' score tuned
  step 'report' "$medinjection" report "$run" --out "$run/report.html" "${force[@]}"
  note "report: $out/$run/report.html ($SECONDS s in all)"
}

parse_arguments() {
  [[ $# -ge 1 && -r $root/slurm/$1.sh && $1 != common ]] || die "usage: bash slurm/common.sh PRESET [--force]"
  preset=$1
  case ${2:-} in
    '') ;;
    --force) force=(--force) ;;
    *) die "unknown argument $2; expected --force or nothing" ;;
  esac
  [[ -z ${MEDINJECTION_HOME:-} || $(cd -- "$MEDINJECTION_HOME" 2>/dev/null && pwd) == "$root" ]] ||
    die "MEDINJECTION_HOME=$MEDINJECTION_HOME is not the repository of this script, $root"
}

main() {
  parse_arguments "$@"
  choose_launcher
  profile=${MEDINJECTION_PROFILE:-$(if [[ -n $in_slurm ]]; then echo full; else echo sample; fi)}
  [[ $profile == sample || $profile == full ]] || die "MEDINJECTION_PROFILE=$profile: expected sample or full"
  step 'set-up' set_up
  # shellcheck source=/dev/null
  source "$root/launcher/env.sh"
  "profile_$profile"
  target=${CARGO_TARGET_DIR:-$root/target}
  step 'programs' build_programs
  medinjection=$target/release/medinjection launcher=$target/release/medinjection-launch
  out=${MEDINJECTION_OUT:-$root/runs}
  mkdir -p "$out/$profile"
  # Relative paths from here on: what is written does not depend on where the folder lies.
  out=$(cd -- "$out/$profile" && pwd)
  cd -- "$out"
  run=$preset
  run_chain
}

main "$@"
