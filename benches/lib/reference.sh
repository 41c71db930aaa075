# shellcheck shell=bash
# What the comparisons with transformers and PEFT need: the programs, SmolLM2, and a Python with the packages of requirements.txt beside this file.
# Sourced from the repository's root with the comparison's own arguments; leaves $python and $programs.

# shellcheck source=benches/lib/programs.sh
source benches/lib/programs.sh
cache=${MEDINJECTION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/medinjection}
requirements=benches/lib/requirements.txt
if [[ " $* " == *' --setup '* && ! -x $cache/peft/bin/python ]]; then
  python3 -m venv "$cache/peft.part"
  "$cache/peft.part/bin/pip" install --quiet --requirement "$requirements"
  mv "$cache/peft.part" "$cache/peft"
  # The environment's own scripts would name the folder that was moved; the interpreter does not.
fi
# shellcheck disable=SC2034
python=${MEDINJECTION_PEFT_PYTHON:-$cache/peft/bin/python}
if ! "$python" -c 'import peft, torch, transformers' 2>/dev/null; then
  printf 'error: %s lacks a package of %s; type %s --setup, or set MEDINJECTION_PEFT_PYTHON\n' "$python" "$requirements" "$0" >&2
  exit 2
fi
