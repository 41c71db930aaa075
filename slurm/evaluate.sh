#!/usr/bin/env bash
# Answers and scores of models on test sets: an array with one element a model and test set, models first.
#   bash slurm/evaluate.sh [MODEL…]                   base and the seven mixtures, or those named, one after the other
#   sbatch --array=0-7 slurm/evaluate.sh              each of them as a job of its own
#   MEDINJECTION_TEST_SETS='name=/path/rows.jsonl …'  more test sets than the data set's test split: --array=0-15 for one more
#SBATCH --job-name=medinjection-evaluate
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:1
#SBATCH --time=08:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
set -euo pipefail

# Under Slurm this file is a copy in a spool folder: where it came from has to be found out.
job=evaluate
command=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's/^ *Command=//p') || true
for folder in "${MEDINJECTION_HOME:-$(dirname -- "$0")/..}/slurm" "$(dirname -- "${command:-/none}")" \
  "${SLURM_SUBMIT_DIR:-/none}/slurm" "${SLURM_SUBMIT_DIR:-/none}"; do
  if [[ -r $folder/common.sh && -r $folder/sft.toml ]]; then exec bash "$folder/common.sh" "$job" "$@"; fi
done
echo "error: the repository of slurm/$job.sh is not found; set MEDINJECTION_HOME to its folder" >&2
exit 2
