#!/usr/bin/env bash
# For the login node: everything that jobs need, since compute nodes often have no network and a job downloads nothing.
# Compilers' packages, libtorch, crates, programs; the model, into the Hugging Face cache; the files of a data set.
#   bash slurm/prefetch.sh [--cuda | --cpu] [--model ORG/NAME[@REVISION]] [--sources CONFIG --into DIR]
#   --cuda, --cpu    libtorch with CUDA (default) or without
#   --model NAME     default MEDINJECTION_MODEL, else Qwen/Qwen3-4B-Instruct-2507; `none` for no model; a folder is only looked at
#   --sources CONFIG a build's configuration, whose sources `medinjection fetch` brings into --into DIR
# What is there is not brought again. Exit codes: 0 done, 2 could not be done.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
variant=--cuda model_name=${MEDINJECTION_MODEL:-Qwen/Qwen3-4B-Instruct-2507} sources='' into=''

die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

note() { printf '%s\n' "$*"; }

# shellcheck source=slurm/lib/profiles.sh
source "$root/slurm/lib/profiles.sh"
# shellcheck source=slurm/lib/cluster.sh
source "$root/slurm/lib/cluster.sh"

parse_arguments() {
  while [[ $# -gt 0 ]]; do
    case $1 in
      --cuda | --cpu) variant=$1 && shift && continue ;;
      --model | --sources | --into) [[ -n ${2:-} ]] || die "$1: expected a value" ;;
      *) die "unknown argument $1; expected --cuda, --cpu, --model, --sources or --into" ;;
    esac
    case $1 in
      --model) model_name=$2 ;;
      --sources) sources=$2 ;;
      --into) into=$2 ;;
    esac
    shift 2
  done
  [[ -z $sources && -z $into || -n $sources && -n $into ]] || die "--sources CONFIG and --into DIR belong together"
}

fetch_model() {
  local revision=main name=${model_name%@*}
  [[ $model_name != none ]] || return 0
  if (find_model "$model_name") 2>/dev/null; then
    note "model $model_name: there"
    return 0
  fi
  [[ ! -d $model_name && $model_name == */* ]] || find_model "$model_name"
  [[ $model_name != *@* ]] || revision=${model_name##*@}
  command -v hf >/dev/null ||
    die "the model $model_name is not in the Hugging Face cache, and there is no command hf to bring it; type: pip install huggingface_hub"
  hf download "$name" --revision "$revision" || die "the model $model_name could not be brought"
  find_model "$model_name"
  note "model $model_name: $model"
}

main() {
  parse_arguments "$@"
  load_cluster
  bash "$root/launcher/bootstrap.sh" "$variant"
  # shellcheck source=/dev/null
  source "$root/launcher/env.sh"
  (cd -- "$root" && cargo build --release --workspace --locked)
  fetch_model
  [[ -z $sources ]] || "${CARGO_TARGET_DIR:-$root/target}/release/medinjection" fetch --config "$sources" --out "$into"
  note "ready: sbatch slurm/native_translated.sh, or bash slurm/ablation.sh"
}

main "$@"
