# shellcheck shell=bash
# Checks of tests/run.sh on a real Slurm: profiles, templates, the study as one command, and the life of a job.
# Every job trains the tiny random model; what a job that was disturbed ends with is compared with what an undisturbed one does.
# shellcheck disable=SC2154 # variables of tests/run.sh

templates=(native translated synthetic native_translated native_synthetic translated_synthetic all)
# A training that is longer than the shortest time limit, and than Slurm takes to miss a node: 73 s on two quiet cores.
long_epochs=300

# --- The study ------------------------------------------------------------------------------------------------------

# The whole study on the tiny model, with more environment.
ablation() { # OUT [ENVIRONMENT…]
  env MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_OUT="$1" "${@:2}" bash slurm/ablation.sh
}

# The page names exactly these mixtures.
has_rows() { # OUT PRESET…
  local preset
  for preset in "${templates[@]}"; do
    if [[ " ${*:2} " == *" $preset "* ]]; then
      [[ -s $1/sample-tiny/$preset/scores/tuned.json ]] || fail "$1: $preset has no scores"
    else
      [[ ! -e $1/sample-tiny/$preset/scores/tuned.json ]] || fail "$1: $preset has scores"
    fi
  done
  [[ -s $1/sample-tiny/ablation.html ]] || fail "$1: there is no page"
}

check_ablation_by_bash() {
  ablation "$work/study" | tee "$work/study.log"
  has_rows "$work/study" "${templates[@]}"
  grep -q 'report: .*(7 of 7 mixtures)' "$work/study.log" || fail 'the report does not hold seven mixtures'
  snapshot "$work/study" | grep -v ablation.html >"$work/study.first"
  ablation "$work/study"
  snapshot "$work/study" | grep -v ablation.html | diff "$work/study.first" - || fail 'the second study has written something'
}

# One training is cancelled: the others have their rows. Typed again, only the seventh is submitted.
check_ablation_by_sbatch() {
  start_cluster ablation_by_sbatch || return 0
  ablation "$work/chain" >"$work/chain.log"
  cat "$work/chain.log"
  scancel "$(sed -n 's/^train-synthetic  *\([0-9]*\).*/\1/p' "$work/chain.log")"
  # A second one while the first is in the queue submits nothing that is there.
  ablation "$work/chain" >"$work/chain.second"
  cat "$work/chain.second"
  [[ $(grep -c 'in the queue' "$work/chain.second") -ge 10 ]] || fail 'jobs in the queue were submitted again'
  scancel "$(sed -n 's/^train-synthetic  *\([0-9]*\).*/\1/p' "$work/chain.second")"
  await_queue 400
  has_rows "$work/chain" native translated native_translated native_synthetic translated_synthetic all
  ablation "$work/chain" >"$work/chain.third"
  cat "$work/chain.third"
  [[ $(grep -cE '^[a-z_-]+ +[0-9]+' "$work/chain.third") == 3 ]] || fail 'expected a training, its evaluation and a report'
  await_queue 200
  has_rows "$work/chain" "${templates[@]}"
  ablation "$work/chain" | grep 'nothing is missing' || fail 'a finished study is submitted again'
}

# Four shards on two nodes, and the merge that waits for them: the bytes of one process.
check_shards_by_sbatch() {
  start_cluster shards_by_sbatch || return 0
  [[ -x target/release/medinjection ]] || cargo build --release --locked
  target/release/medinjection build --sample --out "$work/one-process"
  local array code=0 data=$work/shards/sample-tiny/dataset
  mkdir -p "$work/shards"
  # More than half of a node's cores each, so that two nodes work at once.
  array=$(build_job "shards-%a" sbatch --parsable --array=1-4 --cpus-per-task=9)
  MEDINJECTION_SHARDS=5 build_job too-many sbatch --wait --dependency="afterok:$array" --kill-on-invalid-dep=yes || code=$?
  cat "$work"/shards/*.log
  [[ $(scontrol show job "$array" | sed -n 's/^ *NodeList=//p' | sort -u | wc -l) == 2 ]] || fail 'the shards were not made on two nodes'
  [[ $code == 2 && ! -e $data ]] || fail "the merge of five shards, of which there are four, ended with $code"
  grep -q 'but 1/5 is missing; 2/5 is missing' "$work/shards/too-many.log" || fail 'the message does not name the missing shards'
  MEDINJECTION_SHARDS=4 build_job merge sbatch --wait || fail "the merge: $(tail -n 3 "$work/shards/merge.log")"
  diff -r "$work/one-process" "$data" || fail 'the shards have merged to other bytes than those of one process'
  [[ ! -e $data.shards ]] || fail 'the shards are still there'
}

build_job() { # LOG SBATCH [FLAGS…]
  env MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_OUT="$work/shards" \
    "${@:2}" --output="$work/shards/$1.log" slurm/build.sh
}

# --- Profiles and templates -----------------------------------------------------------------------------------------

check_cluster_profiles() {
  local file name said code variables='SBATCH_PARTITION=main SBATCH_ACCOUNT=project@h100'
  for file in slurm/cluster/*.env; do
    name=$(basename "$file" .env)
    # shellcheck disable=SC2016,SC2086 # the other shell expands the one, and this one splits the other
    env $variables bash -euc 'source "$1" && [[ $MEDINJECTION_CLUSTER == "$2" && -n $SBATCH_GRES && -n $SBATCH_TIMELIMIT &&
      $SBATCH_SIGNAL == B:USR1@* && $MEDINJECTION_SBATCH_FLAGS == --nodes=* ]]' - "$file" "$name" || fail "$file does not name what it has to"
  done
  for name in generic:SBATCH_PARTITION jean-zay:SBATCH_ACCOUNT leonardo:SBATCH_ACCOUNT; do
    code=0
    said=$(MEDINJECTION_CLUSTER=${name%:*} bash slurm/native.sh 2>&1) || code=$?
    [[ $code == 2 && $said == *"${name#*:}: is not set"* ]] || fail "$name: exit code $code: $said"
  done
  said=$(MEDINJECTION_CLUSTER=mars bash slurm/native.sh 2>&1) && fail 'an unknown profile was accepted'
  [[ $said == *generic.env* ]] || fail "the profiles that there are do not stand in: $said"
  [[ $(IDRPROJ=abc bash -euc 'source slurm/cluster/jean-zay.env; echo $SBATCH_ACCOUNT') == abc@h100 ]] || fail 'IDRPROJ is not used'
  start_cluster cluster_profiles || return 0
  # What a job got is not what its profile asks for.
  code=0
  MEDINJECTION_CLUSTER=generic SBATCH_PARTITION=other MEDINJECTION_OUT=$work/other sbatch --wait --partition=main --gres=none \
    --output="$work/other.log" slurm/native.sh || code=$?
  cat "$work/other.log"
  [[ $code == 2 && ! -e $work/other ]] || fail "a job on another partition than its profile's ended with $code"
  grep -q 'SBATCH_PARTITION=other, but the job got main' "$work/other.log" || fail 'the message does not say so'
}

check_templates() {
  start_cluster templates || return 0
  local name
  for name in "${templates[@]}" build evaluate report; do
    sbatch --test-only "slurm/$name.sh" || fail "$name is refused"
    grep -q '^#SBATCH --requeue' "slurm/$name.sh" || fail "$name is not queued again"
  done
  sbatch --test-only --array=1-4 slurm/build.sh || fail 'build as an array is refused'
  # The array: two models and two test sets are four elements, each for itself.
  first_chain
  local data=$work/array/sample-tiny
  mkdir -p "$work/array"
  MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_OUT=$work/array bash slurm/native.sh --train-only
  head -n 20 "$data/test.jsonl" >"$work/rows.jsonl"
  MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_OUT=$work/array MEDINJECTION_TEST_SETS="short=$work/rows.jsonl" \
    sbatch --wait --array=0-3 --gres=gpu:1 --ntasks=2 --cpus-per-task=1 --output="$work/array-%a.log" slurm/evaluate.sh base native ||
    fail "the array: $(tail -n 3 "$work"/array-?.log)"
  for name in base.jsonl base/predictions/short.jsonl native/predictions/tuned.jsonl native/scores/tuned.json native/scores/tuned-short.json; do
    [[ -s $data/$name ]] || fail "$data/$name is missing"
  done
}

# --- The life of a job ----------------------------------------------------------------------------------------------

await_queue() { # SECONDS
  local deadline=$((SECONDS + $1))
  until [[ -z $(squeue --noheader 2>/dev/null) ]]; do
    ((SECONDS < deadline)) || { squeue && fail "the queue is not empty after $1 s"; }
    sleep 0.5
  done
}

# Submits a training of the tiny model into $work/life/NAME; its number is in $job.
submit_training() { # NAME EPOCHS [FLAGS…]
  mkdir -p "$work/life"
  job=$(MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_CLUSTER=local SBATCH_GRES=none \
    MEDINJECTION_OUT="$work/life/$1" MEDINJECTION_SET="train.epochs=$2 train.save_every_steps=4" \
    sbatch --parsable --ntasks=2 --cpus-per-task=1 --output="$work/life/$1.log" "${@:3}" slurm/native.sh --train-only)
}

# Returns when a training has made some steps.
await_steps() { # NAME STEPS
  local deadline=$((SECONDS + 90)) metrics=$work/life/$1/sample-tiny/native/metrics.jsonl
  until [[ -e $metrics && $(wc -l <"$metrics") -ge $2 ]]; do
    ((SECONDS < deadline)) || { tail -n 20 "$work/life/$1.log" && fail "$1 has made no $2 steps"; }
    sleep 0.1
  done
}

# The job has gone through SAYING, and ends with the bytes of the undisturbed run.
ends_like() { # NAME WHOLE SAYING
  await_queue 480
  printf -- '---- %s\n' "$1"
  grep -vE 'loss|mcqu?|^[a-z]+ +(in|origin)' "$work/life/$1.log" | tail -n 60
  grep -qE "$3" "$work/life/$1.log" || fail "$1: the log does not say '$3'"
  cmp "$work/life/$2/sample-tiny/native/adapter/adapter_model.safetensors" \
    "$work/life/$1/sample-tiny/native/adapter/adapter_model.safetensors" || fail "$1 ended with other bytes than $2"
  [[ ! -e $work/life/$1/.jobs/$job ]] || fail "$1 has left its record"
}

# A rank of the job $job: a process of this cluster, and no other.
rank_process() { # RANK
  local folder
  for folder in /proc/[0-9]*; do
    [[ $(readlink "$folder/exe") == */medinjection-launch ]] || continue
    [[ $(tr '\0' '\n' <"$folder/environ" | grep -cxE "SLURM_CONF=$SLURM_CONF|SLURM_JOB_ID=$job|PMIX_RANK=$1") == 3 ]] || continue
    basename "$folder"
    return 0
  done 2>/dev/null
  fail "rank $1 of job $job is not found"
}

kill_rank() { # NAME RANK
  submit_training "$1" 12 --nodes=2
  await_steps "$1" 10
  kill -KILL "$(rank_process "$2")"
  ends_like "$1" whole 'a rank or a node has died .*death 1 of at most 3'
}

# A job that has to end by itself, with a state and a saying.
ends_as() { # NAME STATE SAYING
  await_queue 120
  printf -- '---- %s\n' "$1"
  tail -n 12 "$work/life/$1.log"
  [[ $(scontrol show job "$job") == *"JobState=$2"*"Restarts=0"* ]] || fail "$1: expected $2 without a restart: $(scontrol show job "$job" | head -n 5)"
  [[ -z $3 ]] || grep -q -- "$3" "$work/life/$1.log" || fail "$1: the log does not say '$3'"
}

check_job_life() {
  start_cluster job_life || return 0
  submit_training whole 12 --nodes=2
  await_queue 120
  # Told that the time is up: the ranks alone, as `scancel` does; the batch shell, as Slurm does; the batch shell of an mpirun.
  submit_training told 12 --nodes=2
  await_steps told 10 && scancel --signal=USR1 "$job"
  ends_like told whole 'its time was up in "training" after [0-9]+ optimizer steps'
  submit_training told_batch 12 --nodes=2
  await_steps told_batch 10 && scancel --batch --signal=USR1 "$job"
  ends_like told_batch whole 'its time was up in "training"'
  MEDINJECTION_MPI=mpirun submit_training told_mpirun 12 --nodes=2
  await_steps told_mpirun 10 && scancel --batch --signal=USR1 "$job"
  ends_like told_mpirun whole 'its time was up in "training"'
  submit_training requeued 12 --nodes=2
  await_steps requeued 10 && scontrol requeue "$job"
  ends_like requeued whole 'restart 1'
  kill_rank rank_1 1
  kill_rank rank_0 0
  # A time limit that is shorter than the training.
  submit_training long "$long_epochs" --nodes=2
  await_queue 480
  submit_training limited "$long_epochs" --nodes=2 --time=1 --signal=B:USR1@25
  ends_like limited long 'its time was up in "training"'
  check_answers
  check_never_again
}

submit_answers() { # NAME
  job=$(MEDINJECTION_PROFILE=sample MEDINJECTION_SAMPLE_MODEL=tiny MEDINJECTION_CLUSTER=local SBATCH_GRES=none \
    MEDINJECTION_OUT="$work/life/$1" MEDINJECTION_TEST_SETS="open=$work/life/open.jsonl" \
    sbatch --parsable --ntasks=2 --cpus-per-task=1 --output="$work/life/$1.log" slurm/evaluate.sh base)
}

# Answers that are told to end go on where they were, to the same bytes.
check_answers() {
  local row given=$work/life/told_answers/sample-tiny/base/predictions/open.jsonl deadline=$((SECONDS + 90))
  for ((row = 0; row < 1000; row++)); do
    printf '{"id":"q%d","task":"oeq","messages":[{"role":"user","content":"Question %d ?"}]}\n' "$row" "$row"
  done >"$work/life/open.jsonl"
  submit_answers told_answers
  until [[ -s $given.partial/rank-0.jsonl && -s $given.partial/rank-1.jsonl ]]; do
    ((SECONDS < deadline)) || { tail -n 20 "$work/life/told_answers.log" && fail 'told_answers has given no answers'; }
    sleep 0.1
  done
  scancel --batch --signal=USR1 "$job"
  submit_answers answers
  await_queue 240
  cat "$work/life/told_answers.log"
  grep -q 'its time was up in "answers of base to open" after 0 optimizer steps and [1-9]' "$work/life/told_answers.log" ||
    fail 'told_answers: the log does not say that it goes on'
  cmp "$given" "$work/life/answers/sample-tiny/base/predictions/open.jsonl" || fail 'told_answers ended with other bytes'
  [[ ! -e $given.partial ]] || fail 'told_answers has left what it went on from'
}

# What would come again is not queued again.
check_never_again() {
  submit_training cancelled 12
  await_steps cancelled 10 && scancel "$job"
  ends_as cancelled CANCELLED ''
  # A configuration of a run that goes on: the second job is refused, and the first one does not notice.
  submit_training twice 12 --nodes=1
  await_steps twice 5
  submit_training twice 12 --nodes=1 --output="$work/life/second.log"
  ends_as second FAILED 'another run works in it'
  MEDINJECTION_OUT='' submit_training refused '12 adapter.rank=0'
  ends_as refused FAILED 'adapter.rank'
  submit_training number '12 optim.learning_rate=1e30 optim.max_grad_norm=1e30'
  ends_as number FAILED 'expected a finite loss'
  check_lead
}

# The signal comes before a step is made, and again after the restart.
check_lead() {
  local start
  submit_training lead 12
  for start in 1 2; do
    until [[ -e $work/life/lead.log && $(grep -c '1. set-up' "$work/life/lead.log") == "$start" ]]; do sleep 0.05; done
    scancel --batch --signal=USR1 "$job"
  done
  await_queue 120
  cat "$work/life/lead.log"
  [[ $(scontrol show job "$job") == *JobState=FAILED*Restarts=1* ]] || fail 'lead: expected a failure after one restart'
  grep -q 'lead is too long' "$work/life/lead.log" || fail 'lead: the log does not say why'
}

# Kills a node's slurmd, with or without the daemons of the job's steps; then brings it back.
lose_node() { # NAME PATTERN SAYING
  local node process
  submit_training "$1" "$long_epochs" --nodes=1
  await_steps "$1" 10
  node=$(squeue --noheader --jobs="$job" --format=%N)
  for process in $(pgrep -f "$2"); do
    tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qxF "SLURM_CONF=$SLURM_CONF" || continue
    [[ $(tr '\0' ' ' <"/proc/$process/cmdline") != *slurmd* || $(tr '\0' ' ' <"/proc/$process/cmdline") == *"-N $node "* ]] || continue
    kill -KILL "$process"
  done
  ends_like "$1" long "$3"
  setsid slurmd -D -N "$node" >"$work/cluster/log/$node.again" 2>&1 </dev/null &
  printf '%s %s\n' "$!" "$node" >>"$work/cluster/pids"
  local deadline=$((SECONDS + 30))
  until [[ $(sinfo --noheader --format=%T) == idle ]]; do ((SECONDS < deadline)) || fail "$node does not come back"; sleep 0.5; done
}

# A node that is gone, and one that only seems so, whose ranks go on: one run never has two writers.
check_lost_nodes() {
  start_cluster lost_nodes || return 0
  [[ -e $work/life/long.log ]] || submit_training long "$long_epochs" --nodes=2
  await_queue 480
  lose_node node "slurmd -D -N|slurmstepd: \\[.*" 'restart 1'
  lose_node orphan 'slurmd -D -N' 'restart 1'
  grep -q 'native: up to date' "$work/life/orphan.log" || fail 'the restarted job did not wait for the orphan'
}
