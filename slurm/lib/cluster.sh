# shellcheck shell=bash
# The profile of a cluster, slurm/cluster/NAME.env, and whether a job got what it asks for.
# shellcheck disable=SC2154 # variables of the scripts that read this file

# Reads the profile that MEDINJECTION_CLUSTER names; without one nothing is asked.
load_cluster() {
  local name=${MEDINJECTION_CLUSTER:-} file said module
  [[ -n $name ]] || return 0
  file=$root/slurm/cluster/$name.env
  [[ -r $file ]] || die "MEDINJECTION_CLUSTER=$name: there is no $file; there are:" "$(cd -- "$root/slurm/cluster" && echo ./*.env)"
  # A profile ends the shell that reads it where a variable is not set.
  # shellcheck source=/dev/null
  said=$( (source "$file") 2>&1) || { said=${said#*: line } && die "the profile $name: ${said#*: }"; }
  # shellcheck source=/dev/null
  source "$file"
  [[ -n ${MEDINJECTION_MODULES:-} ]] || return 0
  [[ $(type -t module) == function ]] || die "the profile $name needs the command \"module\" for $MEDINJECTION_MODULES; start a login shell"
  for module in $MEDINJECTION_MODULES; do module load "$module" || die "the module $module of the profile $name cannot be loaded"; done
}

# Compares a job with its profile.
check_cluster() {
  local name=${MEDINJECTION_CLUSTER:-} job
  [[ -n $name && -n $in_slurm ]] || return 0
  job=$(scontrol show job "$SLURM_JOB_ID" 2>/dev/null) || die "scontrol show job $SLURM_JOB_ID says nothing"
  same_as_profile SBATCH_PARTITION Partition "$job"
  same_as_profile SBATCH_ACCOUNT Account "$job"
  same_as_profile SBATCH_QOS QOS "$job"
  same_as_profile SBATCH_CONSTRAINT Features "$job"
  note "cluster $name: job $SLURM_JOB_ID on ${SLURM_JOB_NODELIST:-?}, ${SLURM_NTASKS:-1} tasks, ${SLURM_CPUS_PER_TASK:-1} cores each," \
    "GPUs ${CUDA_VISIBLE_DEVICES:-none}"
}

same_as_profile() { # VARIABLE FIELD JOB
  local expected=${!1:-} found
  [[ -n $expected ]] || return 0
  found=$(sed -n "s/.*\\b$2=\\([^ ]*\\).*/\\1/p" <<<"$3" | head -n 1)
  # Slurm writes accounts in small letters.
  [[ ${found,,} == "${expected,,}" ]] ||
    die "the profile ${MEDINJECTION_CLUSTER} asks for $1=$expected, but the job got ${found:-none}; submit with $1=$found, or without the flag that changed it"
}
