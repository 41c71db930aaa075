#!/usr/bin/env bash
# The whole study: data, seven trainings, their evaluations, one report. Typed again, it submits only what is missing.
#   source slurm/cluster/NAME.env && bash slurm/ablation.sh   on a cluster: jobs that depend on one another, with their ids
#   bash slurm/ablation.sh                                    without Slurm: the same chain on the built-in sample, in its smallest size
# The variables are those of slurm/common.sh; runs go to runs/ablation where MEDINJECTION_OUT does not say otherwise.
# MEDINJECTION_SHARDS=N has N jobs read and check the files of the data set, and one put together what they found.
# Nodes, tasks and cores of trainings and evaluations: MEDINJECTION_SBATCH_FLAGS, which a cluster's profile sets.
# Exit codes: 0 done or submitted, 2 could not be done.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
presets=(native translated synthetic native_translated native_synthetic translated_synthetic all)

die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

note() { printf '%s\n' "$*"; }

# shellcheck source=slurm/lib/cluster.sh
source "$root/slurm/lib/cluster.sh"
# shellcheck source=slurm/lib/profiles.sh
source "$root/slurm/lib/profiles.sh"

# sbatch may be installed where no cluster answers.
slurm_answers() { command -v sbatch >/dev/null && [[ $(timeout 20 scontrol ping 2>/dev/null) == *UP* ]]; }

is_trained() { grep --quiet '"state": *"completed"' "$place/$1/status.json" 2>/dev/null; }

is_evaluated() {
  local test
  is_trained "$1" && [[ -s $place/$1/scores/tuned.json && -s $place/$1/scores/base.json ]] || return 1
  for test in ${MEDINJECTION_TEST_SETS:-}; do [[ -s $place/$1/scores/tuned-${test%%=*}.json ]] || return 1; done
}

# --- Without Slurm --------------------------------------------------------------------------------------------------

run_here() {
  local preset failed=()
  bash "$root/slurm/build.sh"
  for preset in "${presets[@]}"; do
    note "==== $preset"
    bash "$root/slurm/$preset.sh" --train-only && bash "$root/slurm/evaluate.sh" "$preset" || failed+=("$preset")
  done
  bash "$root/slurm/report.sh"
  [[ ${#failed[@]} == 0 ]] || die "not done: ${failed[*]}; type the same again to do only that"
}

# --- With Slurm -----------------------------------------------------------------------------------------------------

# The number of a job that is still queued or running under this name since an earlier submission, in $job_id.
find_in_queue() { # NAME
  job_id=$(sed -n "s/^$1 //p" "$record" 2>/dev/null | tail -n 1)
  [[ -n $job_id && -n $(squeue --noheader --jobs="$job_id" --format=%T 2>/dev/null) ]]
}

# A job in the queue that waits for one that was submitted again is withdrawn: its own turn would never come.
withdraw() { # NAME
  find_in_queue "$1" || return 0
  scancel "$job_id"
  printf '%s none\n' "$1" >>"$record"
}

# Submits a job, unless it is in the queue; its number is in $job_id, and $is_new says whether it was submitted.
submit() { # NAME DEPENDENCY [FLAGS…] SCRIPT [ARGUMENTS…]
  local name=$1 flags=(--parsable --job-name="medinjection-$1" --output="$place/logs/%x-%j.log")
  is_new=''
  if find_in_queue "$name"; then
    note "$(printf '%-30s %8s  in the queue' "$name" "$job_id")"
    return 0
  fi
  # What waits for a job that fails would wait for ever.
  [[ -z $2 ]] || flags+=(--dependency="$2" --kill-on-invalid-dep=yes)
  job_id=$(sbatch "${flags[@]}" "${@:3}") || die "$name could not be submitted"
  job_id=${job_id%%;*} is_new=yes
  printf '%s %s\n' "$name" "$job_id" >>"$record"
  note "$(printf '%-30s %8s  %s' "$name" "$job_id" "$2")"
}

# What waits for the jobs that were submitted, in $dependency.
after() { # KIND JOB…
  local joined
  dependency=''
  joined=$(IFS=: && printf '%s' "${*:2}")
  [[ -z $joined ]] || dependency=$1:$joined
}

submit_study() {
  local preset dependency job_id is_new data_job='' base_job='' training_job evaluations=() alone=(--nodes=1 --ntasks=1 --gres=none)
  local ranks=() tests=() array=()
  read -r -a tests <<<"${MEDINJECTION_TEST_SETS:-}"
  read -r -a ranks <<<"${MEDINJECTION_SBATCH_FLAGS:-}"
  [[ ${#ranks[@]} != 0 || $profile == full ]] || ranks=(--nodes=1 --ntasks=2 --cpus-per-task=1 --gres=none)
  [[ ${#tests[@]} == 0 ]] || array=("--array=0-${#tests[@]}")
  mkdir -p "$place/logs" "$place/.jobs"
  record=$place/.jobs/ablation
  note "$(printf '%-30s %8s  %s' job number 'waits for')"
  if [[ ! -s $place/test.jsonl ]]; then
    dependency=''
    if [[ -n ${MEDINJECTION_SHARDS:-} ]]; then
      submit build-shards '' "${alone[@]}" --array="1-$MEDINJECTION_SHARDS" "$root/slurm/build.sh"
      after afterok "$job_id"
    fi
    submit build "$dependency" "${alone[@]}" "$root/slurm/build.sh"
    data_job=$job_id
  fi
  after afterok ${data_job:+"$data_job"}
  if [[ ! -s $place/base.jsonl ]]; then
    submit evaluate-base "$dependency" "${ranks[@]}" "${array[@]}" "$root/slurm/evaluate.sh" base
    base_job=$job_id
  fi
  for preset in "${presets[@]}"; do
    ! is_evaluated "$preset" || continue
    training_job=''
    if ! is_trained "$preset"; then
      after afterok ${data_job:+"$data_job"}
      submit "train-$preset" "$dependency" "${ranks[@]}" "$root/slurm/$preset.sh" --train-only
      training_job=$job_id
      [[ -z $is_new ]] || withdraw "evaluate-$preset"
    fi
    after afterok ${training_job:+"$training_job"}
    [[ -z $base_job ]] || dependency=${dependency:+$dependency,}afterany:$base_job
    submit "evaluate-$preset" "$dependency" "${ranks[@]}" "${array[@]}" "$root/slurm/evaluate.sh" "$preset"
    evaluations+=("$job_id")
    [[ -z $is_new ]] || withdraw report
  done
  if [[ ${#evaluations[@]} == 0 && -s $place/ablation.html ]]; then
    note "nothing is missing; report: $place/ablation.html"
    return 0
  fi
  # A training that fails costs its own row and no other.
  after afterany "${evaluations[@]}"
  submit report "$dependency" "${alone[@]}" "$root/slurm/report.sh"
  note "follow: squeue --me; tail -f $place/logs/*.log; the table will stand in $place/logs/medinjection-report-$job_id.log"
  note "after a failure, type the same again: only what is missing is submitted"
}

main() {
  [[ $# == 0 ]] || die "usage: bash slurm/ablation.sh (what it does is said by variables: slurm/common.sh)"
  local with_slurm=''
  ! slurm_answers || with_slurm=yes
  load_cluster
  profile=${MEDINJECTION_PROFILE:-$(if [[ -n $with_slurm ]]; then echo full; else echo sample; fi)}
  [[ $profile == sample || $profile == full ]] || die "MEDINJECTION_PROFILE=$profile: expected sample or full"
  export MEDINJECTION_PROFILE=$profile MEDINJECTION_HOME=$root MEDINJECTION_OUT=${MEDINJECTION_OUT:-$root/runs/ablation}
  bash "$root/launcher/bootstrap.sh"
  if [[ $profile == sample ]]; then
    # shellcheck source=/dev/null
    source "$root/launcher/env.sh"
    choose_sample_model
    export MEDINJECTION_SAMPLE_MODEL=$sample_model MEDINJECTION_SIZE=${MEDINJECTION_SIZE:-24}
  else
    [[ -n ${MEDINJECTION_DATA:-} ]] || die "profile full needs MEDINJECTION_DATA, the folder of the data set (or choose MEDINJECTION_PROFILE=sample)"
  fi
  place=$MEDINJECTION_OUT/$profile
  mkdir -p "$place"
  place=$(cd -- "$place" && pwd)
  MEDINJECTION_OUT=$(dirname -- "$place")
  if [[ -n $with_slurm ]]; then submit_study; else run_here; fi
}

main "$@"
