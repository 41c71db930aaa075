#!/usr/bin/env bash
# One page over all mixtures that have scores, and its table in the log.
#   bash slurm/report.sh   or   sbatch slurm/report.sh
#SBATCH --job-name=medinjection-report
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=00:30:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
set -euo pipefail

# Under Slurm this file is a copy in a spool folder: where it came from has to be found out.
job=report
command=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's/^ *Command=//p') || true
for folder in "${MEDINJECTION_HOME:-$(dirname -- "$0")/..}/slurm" "$(dirname -- "${command:-/none}")" \
  "${SLURM_SUBMIT_DIR:-/none}/slurm" "${SLURM_SUBMIT_DIR:-/none}"; do
  if [[ -r $folder/common.sh && -r $folder/sft.toml ]]; then exec bash "$folder/common.sh" "$job" "$@"; fi
done
echo "error: the repository of slurm/$job.sh is not found; set MEDINJECTION_HOME to its folder" >&2
exit 2
