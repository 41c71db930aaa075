#!/usr/bin/env bash
# The data set, the model and the questions that all mixtures share: what slurm/ablation.sh submits first.
#   bash slurm/build.sh     the built-in sample
#   sbatch slurm/build.sh   MEDINJECTION_DATA, built from MEDINJECTION_DATASET_CONFIG where it is not there yet
#   sbatch --array=1-N slurm/build.sh                                      N jobs, each of which reads and checks its share of the files
#   MEDINJECTION_SHARDS=N sbatch --dependency=afterok:ID slurm/build.sh    the data set from what they found
#SBATCH --job-name=medinjection-build
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
set -euo pipefail

# Under Slurm this file is a copy in a spool folder: where it came from has to be found out.
job=build
command=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's/^ *Command=//p') || true
for folder in "${MEDINJECTION_HOME:-$(dirname -- "$0")/..}/slurm" "$(dirname -- "${command:-/none}")" \
  "${SLURM_SUBMIT_DIR:-/none}/slurm" "${SLURM_SUBMIT_DIR:-/none}"; do
  if [[ -r $folder/common.sh && -r $folder/sft.toml ]]; then exec bash "$folder/common.sh" "$job" "$@"; fi
done
echo "error: the repository of slurm/$job.sh is not found; set MEDINJECTION_HOME to its folder" >&2
exit 2
