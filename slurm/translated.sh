#!/usr/bin/env bash
# Translated questions alone: build, mix, train, evaluate, report.
#   bash slurm/translated.sh     the built-in sample, on this machine's CPU
#   sbatch slurm/translated.sh   the real data and model (MEDINJECTION_PROFILE=full); what slurm/common.sh reads is written there
# On a partition without GPUs: SBATCH_GRES=none sbatch slurm/translated.sh. One rank on each of two nodes: sbatch --nodes=2 …
#SBATCH --job-name=medinjection-translated
#SBATCH --nodes=1
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:2
#SBATCH --time=24:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
# Five minutes before the end the ranks are told to save, and the job is queued again (slurm/lib/life.sh).
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
set -euo pipefail

# Under Slurm this file is a copy in a spool folder: where it came from has to be found out.
preset=translated
command=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's/^ *Command=//p') || true
for folder in "${MEDINJECTION_HOME:-$(dirname -- "$0")/..}/slurm" "$(dirname -- "${command:-/none}")" \
  "${SLURM_SUBMIT_DIR:-/none}/slurm" "${SLURM_SUBMIT_DIR:-/none}"; do
  if [[ -r $folder/common.sh && -r $folder/sft.toml ]]; then exec bash "$folder/common.sh" "$preset" "$@"; fi
done
echo "error: the repository of slurm/$preset.sh is not found; set MEDINJECTION_HOME to its folder" >&2
exit 2
