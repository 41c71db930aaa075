#!/usr/bin/env bash
# Starts a real Slurm of two nodes on this machine's loopback: munge, slurmctld and two slurmd from Debian's packages.
#   bash tests/slurm/up.sh DIR    starts it in DIR, a new or empty folder; `source DIR/env.sh` points Slurm's commands at it
#   bash tests/slurm/down.sh DIR  stops it
# Root is needed: the nodes run jobs, and their two GPUs each are device files (they lead to /dev/zero).
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

die() {
  printf 'tests/slurm/up.sh: %s\n' "$*" >&2
  exit 2
}

# Three ports that nothing listens on: the cluster of another checkout may be up. Where to look first is by chance of
# the process number, below the ports that the kernel gives to clients.
choose_ports() {
  local base=$((20000 + $$ % 1000 * 10)) first
  for ((first = base; first < base + 200; first += 10)); do
    controller_port=$first node_port=$((first + 1))
    [[ -n $(ss -ltnH "( sport >= :$first and sport <= :$((first + 2)) )" 2>/dev/null) ]] || return 0
  done
  die "no free ports between $base and $first"
}

write_configuration() {
  local host
  host=$(uname -n)
  # A wait of 5 s before a requeued job and before KILL keeps tests short; TmpFS keeps the nodes' PMIx folders apart.
  cat >"$dir/etc/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort=$controller_port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
KillWait=5
StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdSpoolDir=$dir/spool.%n
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmdLogFile=$dir/log/slurmd.%n.log
TmpFS=$dir/tmp.%n
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$node_port CPUs=16 Gres=gpu:2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((node_port + 1)) CPUs=16 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
  printf 'NodeName=n[1-2] Name=gpu File=%s/gpu[0-1]\n' "$dir" >"$dir/etc/gres.conf"
  printf 'export SLURM_CONF=%q\n' "$dir/etc/slurm.conf" >"$dir/env.sh"
}

make_folders() {
  mkdir -p "$dir"/{etc,state,log,munge,spool.n1,spool.n2,tmp.n1,tmp.n2}
  chmod 755 "$dir"
  chmod 1777 "$dir/tmp.n1" "$dir/tmp.n2"
  mknod "$dir/gpu0" c 1 3
  mknod "$dir/gpu1" c 1 3
  # A key and a socket of its own: the machine's munge, if one runs, is left alone.
  (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
  chown -R munge: "$dir/munge"
}

start() { # NAME COMMAND…
  local name=$1
  shift
  setsid "$@" >"$dir/log/$name.out" 2>&1 </dev/null &
  printf '%s %s\n' "$!" "$name" >>"$dir/pids"
}

wait_until() { # SECONDS COMMAND…
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then return 1; fi
    sleep 0.2
  done
}

nodes_idle() { [[ $(sinfo --noheader --format=%T) == idle ]]; }

start_daemons() {
  # down.sh knows the daemons by this variable.
  export SLURM_CONF=$dir/etc/slurm.conf
  start munged runuser -u munge -- munged --foreground --force --socket="$dir/munge/socket" --key-file="$dir/munge/key" \
    --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
  wait_until 10 test -S "$dir/munge/socket" || fail munged
  start slurmctld slurmctld -D
  start n1 slurmd -D -N n1
  start n2 slurmd -D -N n2
  wait_until 30 nodes_idle || fail 'the nodes'
}

fail() { # WHAT
  bash "$here/down.sh" "$dir"
  tail -n 5 "$dir"/log/* >&2
  die "$1 did not come up (logs: $dir/log)"
}

main() {
  [[ $# == 1 ]] || die 'usage: bash tests/slurm/up.sh DIR'
  [[ $(id -u) == 0 ]] || die 'root is needed to start a cluster'
  mkdir -p "$1"
  dir=$(cd -- "$1" && pwd)
  [[ -z $(ls -A "$dir") ]] || die "$dir is not empty"
  choose_ports
  make_folders
  write_configuration
  start_daemons
}

main "$@"
