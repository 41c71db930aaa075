#!/usr/bin/env bash
# Stops the cluster that tests/slurm/up.sh started in DIR: the processes noted there and no others.
#   bash tests/slurm/down.sh DIR
set -euo pipefail

# A number may have gone to another process since: the cluster's own carry its configuration in their environment.
is_ours() { # PID
  [[ -r /proc/$1/environ ]] && grep --quiet --null-data --line-regexp --fixed-strings "SLURM_CONF=$dir/etc/slurm.conf" "/proc/$1/environ"
}

stop() { # PID NAME
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    is_ours "$1" 2>/dev/null || return 0
    # Ask first, then insist: after five seconds a daemon is killed.
    if ((tries == 0)); then kill -TERM "$1" 2>/dev/null || true; fi
    if ((tries == 50)); then kill -KILL "$1" 2>/dev/null || true; fi
    sleep 0.1
  done
  printf 'tests/slurm/down.sh: %s (%s) does not end\n' "$2" "$1" >&2
}

# Jobs go first: the daemons of their steps would live on without their node.
stop_jobs() {
  [[ -e $dir/etc/slurm.conf ]] || return 0
  export SLURM_CONF=$dir/etc/slurm.conf
  timeout 5 scancel --user=root 2>/dev/null || return 0
  local tries
  for ((tries = 0; tries < 40; tries++)); do
    [[ -n $(timeout 5 squeue --noheader --format=%i 2>/dev/null) ]] || return 0
    sleep 0.2
  done
}

main() {
  [[ $# == 1 ]] || { printf 'usage: bash tests/slurm/down.sh DIR\n' >&2; exit 2; }
  [[ -e $1/pids ]] || return 0
  local pid name
  dir=$(cd -- "$1" && pwd)
  stop_jobs
  # The last started goes first: munge has to outlive those that authenticate by it.
  while read -r pid name; do stop "$pid" "$name"; done < <(tac "$dir/pids")
  rm -f "$dir/pids"
}

main "$@"
