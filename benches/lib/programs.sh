# shellcheck shell=bash
# What every benchmark of the launcher needs: the programs, in $programs, and SmolLM2. Sourced from the repository's root.

# shellcheck source=/dev/null
if [[ -e launcher/env.sh ]]; then source launcher/env.sh; fi
if [[ -z ${MEDINJECTION_SMOLLM2_GGUF:-} ]]; then
  printf 'error: the model SmolLM2-135M-Instruct is not there; type bash launcher/bootstrap.sh\n' >&2
  exit 2
fi
cargo build --quiet --release --locked --workspace --bins --examples
# shellcheck disable=SC2034
programs=${CARGO_TARGET_DIR:-target}/release
