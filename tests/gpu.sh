#!/usr/bin/env bash
# Every check that needs a GPU; the last line is `N passed, N failed`, with what failed by name above it.
#   bash tests/gpu.sh           on all GPUs that are visible
#   bash tests/gpu.sh NAME…     only these checks
# Exit codes: 0 all passed, 1 something failed, 2 the machine could not be set up, 77 skipped: there is no GPU.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
launcher=$root/target/release/medinjection-launch
checks=(doctor kernels training bfloat16 prediction memory_budget nccl several_gpus)
work=''
num_gpus=0

fail() {
  printf 'error: %s\n' "$*"
  exit 1
}

# --- What the checks share ------------------------------------------------------------------------------------------

count_gpus() {
  local listed
  command -v nvidia-smi >/dev/null || return 0
  listed=$(nvidia-smi --list-gpus 2>/dev/null) || return 0
  num_gpus=$(grep -c '^GPU ' <<<"$listed" || true)
}

# A random model of the study's architecture, rows to train on, and questions.
make_inputs() {
  python3 "$root/launcher/tiny_model.py" --out "$work/model"
  python3 - "$work" <<'PYTHON'
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
turn = lambda role, content: {"role": role, "content": content}
question = lambda row: f"{row} " + "Une question ? " * (1 + row * 7 % 5)
rows = [{"messages": [turn("user", question(row)), turn("assistant", "ABCD"[row % 4])]} for row in range(48)]
(folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
choices = [{"label": label, "text": f"choix {label}"} for label in "ABCD"]
rows = [{"id": f"q{row}", "task": ("mcqu", "mcq")[row % 2], "messages": [turn("user", question(row))], "choices": choices} for row in range(24)]
(folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
PYTHON
}

# RANKS ranks of the launcher; one is started without mpirun.
launch() { # RANKS ARGUMENT…
  local start=()
  [[ $1 == 1 ]] || start=(mpirun --allow-run-as-root --oversubscribe --bind-to none -n "$1")
  (cd -- "$work" && "${start[@]}" "$launcher" "${@:2}")
}

train() { # RANKS DEVICE RUN SETTING…
  local settings=() setting
  for setting in model.path=model data.train=train.jsonl output.dir="$3" adapter.rank=4 adapter.alpha=8 adapter.dropout=0.1 \
    train.max_steps=4 train.global_batch_size=24 optim.learning_rate=1e-2 "${@:4}"; do
    settings+=(--set "$setting")
  done
  : >"$work/empty.toml"
  launch "$1" train --config empty.toml --device "$2" "${settings[@]}"
}

# The losses and gradient norms of two runs differ by at most a share of TOLERANCE.
compare() { # RUN RUN TOLERANCE
  python3 - "$work/$1/metrics.jsonl" "$work/$2/metrics.jsonl" "$3" <<'PYTHON'
import json, sys
read = lambda path: [line for line in map(json.loads, open(path)) if "loss" in line]
left, right, tolerance = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
assert len(left) == len(right) == 4, f"expected 4 steps, found {len(left)} and {len(right)}"
apart = max(abs(a[key] - b[key]) / abs(b[key]) for a, b in zip(left, right) for key in ("loss", "grad_norm"))
print(f"losses and gradient norms differ by {apart:.1e} at most")
assert apart <= tolerance, f"expected at most {tolerance}"
PYTHON
}

reference() { [[ -e $work/reference/metrics.jsonl ]] || train 1 cpu reference train.micro_batch_size=8; }

# --- Checks ---------------------------------------------------------------------------------------------------------

check_doctor() {
  "$launcher" doctor --json | tee "$work/doctor.json"
  grep -q '"verdict":"good","what":"devices"\|"what":"devices".*"verdict":"good"' "$work/doctor.json" ||
    fail 'the devices of CUDA are not found: libtorch without CUDA, or an old driver'
}

# Each kernel out of libtorch's operators on a GPU, against the loops on the CPU.
check_kernels() {
  (cd -- "$root" && cargo test --release --locked --workspace --lib -- kernels::on_gpu --nocapture) | tee "$work/kernels.log"
  ! grep -q SKIPPED "$work/kernels.log" || fail 'the kernels were not tried on a GPU'
}

# Steps in f32, with each way of keeping activations.
check_training() {
  reference
  train 1 cuda cuda train.micro_batch_size=8 train.precision=f32
  compare cuda reference 1e-3
  train 1 cuda kept train.micro_batch_size=8 train.precision=f32 train.gradient_checkpointing=false
  compare kept reference 1e-3
  # A resumed run ends with the bytes of one that nothing had ended.
  train 1 cuda again train.micro_batch_size=8 train.precision=f32
  cmp "$work/cuda/adapter/adapter_model.safetensors" "$work/again/adapter/adapter_model.safetensors" ||
    printf 'NOTE two runs on one GPU differ in their bytes\n'
}

check_bfloat16() {
  reference
  train 1 cuda bfloat16 train.micro_batch_size=8
  compare bfloat16 reference 1e-1
}

# The same answers in f32's stead of bf16 cannot be asked for: of 24 at most two may fall the other way.
check_prediction() {
  local device different
  for device in cpu cuda; do
    launch 1 predict --model model --data test.jsonl --out "$device.jsonl" --device "$device"
  done
  different=$(python3 - "$work/cpu.jsonl" "$work/cuda.jsonl" <<'PYTHON'
import json, sys
left, right = ([json.loads(line)["prediction"] for line in open(path)] for path in sys.argv[1:])
assert len(left) == len(right) == 24
print(sum(a != b for a, b in zip(left, right)))
PYTHON
  )
  printf '%s of 24 answers differ\n' "$different"
  ((different <= 2)) || fail 'the GPU answers otherwise than the CPU'
}

# A run with a budget takes no more of the device than that and CUDA's own share, taken from a run with none.
check_memory_budget() {
  local setting used most
  : >"$work/memory"
  for setting in train.memory_budget_gib=1 train.gradient_checkpointing=true; do
    train 1 cuda "budget-${setting#*.}" train.micro_batch_size=8 train.max_steps=40 train.epochs=20 "$setting" &
    most=0
    while kill -0 $! 2>/dev/null; do
      used=$(nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits | awk -F', *' '{ sum += $2 } END { print sum + 0 }')
      ((used <= most)) || most=$used
      sleep 0.2
    done
    wait $! || fail "training with $setting failed"
    printf '%s: %s MiB at most, of all programs on the GPUs\n' "$setting" "$most" | tee -a "$work/memory"
    ((most <= 1024 + 1024)) || fail "expected at most 1 GiB, and 1 GiB for CUDA itself; other programs on the GPUs disturb this check"
  done
}

# Sums and bandwidth on one GPU and on all.
check_nccl() {
  local ranks
  for ((ranks = 1; ranks <= num_gpus; ranks++)); do
    launch "$ranks" doctor --nccl
  done
  # One rank more than GPUs is refused on all.
  local said code=0
  said=$(launch $((num_gpus + 1)) doctor --nccl 2>&1) || code=$?
  [[ $code == 2 && $said == *"found $num_gpus for rank $num_gpus"* ]] || fail "too many ranks: exit code $code: $said"
}

# A step divided among GPUs is the same step, over NCCL as over MPI.
check_several_gpus() {
  local ranks
  reference
  for ranks in 2 4; do
    ((ranks <= num_gpus)) || { printf 'SKIPPED several_gpus: %s GPUs, fewer than %s\n' "$num_gpus" "$ranks" && continue; }
    train "$ranks" cuda "gpus-$ranks" train.micro_batch_size=6 train.precision=f32
    compare "gpus-$ranks" reference 1e-3
  done
}

# --- Main -----------------------------------------------------------------------------------------------------------

main() {
  local name failed=() passed=0 log
  count_gpus
  if [[ $num_gpus == 0 ]]; then
    printf 'SKIPPED gpu: no GPU: nvidia-smi lists none\n'
    exit 77
  fi
  bash "$root/launcher/bootstrap.sh" --cuda </dev/null || exit 2
  # shellcheck source=/dev/null
  source "$root/launcher/env.sh"
  (cd -- "$root" && cargo build --release --locked --workspace) || exit 2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  make_inputs
  [[ $# == 0 ]] || checks=("$@")
  for name in "${checks[@]}"; do
    declare -F "check_$name" >/dev/null || { printf 'unknown check %s; expected: %s\n' "$name" "${checks[*]}" >&2 && exit 2; }
    printf '== %s\n' "$name"
    log=$work/$name.log
    # In a condition bash would not stop at the first command that fails.
    set +e
    (set -e && "check_$name") </dev/null >"$log" 2>&1
    code=$?
    set -e
    sed 's/^/   | /' "$log"
    if [[ $code == 0 ]]; then passed=$((passed + 1)); else failed+=("$name"); fi
  done
  [[ ${#failed[@]} == 0 ]] || printf 'FAILED %s\n' "${failed[@]}"
  printf '%s passed, %s failed\n' "$passed" "${#failed[@]}"
  [[ ${#failed[@]} == 0 ]]
}

main "$@"
