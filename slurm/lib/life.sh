# shellcheck shell=bash
# Life of a job under Slurm: its time that is up, ranks and nodes that die, and going on where it was.
# Slurm tells the batch shell that its time is up (`--signal=B:USR1@LEAD`), which tells the ranks. They save and end with
# 75, and the job is queued again. What a configuration or a number causes would come again, and `scancel` is meant: neither is.
# shellcheck disable=SC2034,SC2154 # variables of the scripts that read this file

time_up=''      # whether Slurm has said that the time is up
life=''         # a folder of this job's own: the process id of its ranks, and whether the time is up
records=''      # the folder where jobs write how often they were started and why
steps_before=0  # optimizer steps that were there when the training began

begin_life() {
  [[ -n $in_slurm ]] || return 0
  life=$(mktemp -d)
  records=$(realpath --canonicalize-missing -- "${MEDINJECTION_OUT:-$root/runs}/.jobs")
  trap 'rm -rf "$life"' EXIT
  # Nothing but builtins: a handler that starts processes can break the command that it interrupts.
  trap 'time_up=yes; : >"$life/time_up"; tell_ranks' USR1
  [[ ${SLURM_RESTART_COUNT:-0} == 0 ]] ||
    note "job $SLURM_JOB_ID goes on on ${SLURM_JOB_NODELIST:-?}: restart ${SLURM_RESTART_COUNT}"
}

tell_ranks() {
  local pid=''
  [[ ! -e $life/ranks ]] || read -r pid <"$life/ranks" || true
  [[ -z $pid ]] || kill -USR1 "$pid" 2>/dev/null || true
}

# The end of a background process, through the signals that come meanwhile.
await() { # PID
  local code=0
  while kill -0 "$1" 2>/dev/null; do
    if [[ -z $time_up ]]; then
      wait "$1" || true
    else
      # What starts the ranks loses a signal that comes while it starts itself: it is told until it ends.
      sleep 2
      tell_ranks
    fi
  done
  # The shell remembers how the process ended.
  wait "$1" || code=$?
  return "$code"
}

# Runs the ranks so that they can be told that the time is up.
run_ranks() { # COMMAND…
  local code=0
  [[ -z $life || ! -e $life/time_up ]] || return 75
  if [[ -z $life ]]; then
    "$@"
    return
  fi
  "$@" &
  printf '%s\n' "$!" >"$life/ranks.partial"
  mv "$life/ranks.partial" "$life/ranks"
  [[ ! -e $life/time_up ]] || tell_ranks
  wait "$!" || code=$?
  rm -f "$life/ranks"
  return "$code"
}

# The steps of the newest checkpoint, in $steps, and the batches of answers that are kept for predictions to go on from, in $batches.
count_steps() {
  local folder
  steps=0
  batches=$({ find . "${run:-.}/predictions" -maxdepth 2 -path '*.jsonl.partial/*.jsonl' -exec cat {} + 2>/dev/null || true; } | wc -l)
  for folder in "${run:-/none}"/checkpoints/step-*; do
    [[ $folder =~ /step-([0-9]+)$ ]] || continue
    ((BASH_REMATCH[1] <= steps)) || steps=${BASH_REMATCH[1]}
  done
}

# How the training ended, by its own account, in $state.
read_state() {
  state=''
  [[ ! -r ${run:-/none}/status.json ]] || state=$(sed -n 's/.*"state": *"\([a-z]*\)".*/\1/p' "$run/status.json")
}

# What an earlier start of this job has said would be taken for the word of this one; an orphan on a node that was
# lost may still hold the run.
before_training() {
  count_steps
  steps_before=$steps
  [[ -n $in_slurm && -d $run ]] || return 0
  if [[ ${SLURM_RESTART_COUNT:-0} != 0 ]]; then
    flock --nonblock "$run" true || note "   waiting for a process of an earlier start, which still works in $run"
    flock --wait "${MEDINJECTION_LOCK_SECONDS:-600}" "$run" true ||
      die "$out/$run: after a restart another process still works in it; end it, then type: scontrol requeue $job_name"
  fi
  read_state
  [[ $state != requeue ]] || rm -f "$run/status.json"
}

# How far this job's earlier starts came, and how many ended by a death: $last_index, $last_steps, $num_deaths.
read_record() {
  last_index=0 last_steps=0 num_deaths=0
  [[ ! -r $records/$job_name ]] || read -r last_index last_steps num_deaths <"$records/$job_name"
}

write_record() {
  mkdir -p "$records"
  printf '%s %s %s\n' "$step_index" "$((steps + batches))" "$num_deaths" >"$records/$job_name.partial"
  mv "$records/$job_name.partial" "$records/$job_name"
}

end_life() {
  [[ -z $in_slurm ]] || rm -f "$records/$job_name"
}

# A job that was cancelled is no longer running, and stays cancelled.
queue_again() { # WHY
  local job_state
  job_state=$(scontrol show job "$job_name" 2>/dev/null | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p')
  [[ $job_state == RUNNING ]] || { note "   job $job_name is ${job_state:-gone}: it is not queued again" && exit 143; }
  note "   $1; job $job_name is queued again"
  scontrol requeue "$job_name" || die "job $job_name could not be queued again; submit it once more, and it goes on from here"
  exit 75
}

requeue_for_time() { # TITLE
  read_record
  count_steps
  if ((step_index <= last_index && steps + batches <= last_steps)) || { [[ $1 == training ]] && ((steps <= steps_before)); }; then
    die "the time was up before a step of \"$1\" was made, so the job would never end; the signal's lead is too long, or" \
      "the time limit too short: submit with a longer --time, or a shorter --signal=B:USR1@SECONDS (SBATCH_SIGNAL)"
  fi
  write_record
  queue_again "its time was up in \"$1\" after $steps optimizer steps and $batches batches of answers"
}

requeue_for_death() { # TITLE CODE
  local most=${MEDINJECTION_MAX_REQUEUES:-3}
  read_record
  count_steps
  num_deaths=$((num_deaths + 1))
  ((num_deaths <= most)) ||
    die "a rank has died (exit code $2) in \"$1\", after $most restarts for the same reason (MEDINJECTION_MAX_REQUEUES)"
  write_record
  queue_again "a rank or a node has died (exit code $2) in \"$1\", death $num_deaths of at most $most"
}

# Queues the job again where its step ended for want of time or of a rank; returns where it ended for a reason of its own.
after_failure() { # TITLE CODE
  [[ -n $in_slurm ]] || return 0
  state=''
  [[ $1 != training ]] || read_state
  case $state:$2 in
    requeue:* | *:75) requeue_for_time "$1" ;;
    # Before a program can catch the signal, or where it does not, the signal ends it.
    :138) requeue_for_time "$1" ;;
    failed:* | stopped:* | *:130 | *:2 | *:101) ;;
    :143) [[ $1 != training ]] || requeue_for_death "$@" ;;
    # 1: MPI has found a peer dead.
    *:1 | *:14 | *:12[89] | *:13? | *:2??) requeue_for_death "$@" ;;
  esac
}
