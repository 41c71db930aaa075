# shellcheck shell=bash
# The two profiles, sample and full: which data, which model, on how many ranks of which device.
# shellcheck disable=SC2034,SC2154 # variables of the scripts that read this file

# Which model the sample trains, in $sample_model: the real one where the set-up has found it.
choose_sample_model() {
  sample_model=${MEDINJECTION_SAMPLE_MODEL:-auto}
  if [[ $sample_model == auto ]]; then
    sample_model=smollm2
    [[ -n ${MEDINJECTION_SMOLLM2_GGUF:-} ]] || sample_model=tiny
  fi
  case $sample_model in
    smollm2)
      [[ -n ${MEDINJECTION_SMOLLM2_GGUF:-} ]] ||
        die "MEDINJECTION_SAMPLE_MODEL=smollm2, but the model is not there; type: bash launcher/bootstrap.sh"
      ;;
    tiny) profile=sample-tiny ;;
    *) die "MEDINJECTION_SAMPLE_MODEL=$sample_model: expected auto, smollm2 or tiny" ;;
  esac
}

# Small enough for two cores, and the same numbers on every machine: one thread a rank, two ranks.
profile_sample() {
  choose_sample_model
  if [[ $sample_model == tiny ]]; then model=model/tiny-random-qwen3; else model=model/SmolLM2-135M-Instruct; fi
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
  [[ $job != build ]] || mkdir -p "$dataset"
  [[ $job == build || -e $dataset/manifest.json ]] || die "MEDINJECTION_DATA=$dataset: there is no manifest.json, so it is no finished data set"
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
    "bash slurm/prefetch.sh --model $1"
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
}
