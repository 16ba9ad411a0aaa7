# Sourced by the other scripts: use_venv makes .venv hold this checkout and the extras asked for.

# Prints the first Python 3.11 or newer that really starts and can make environments.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.11 python3.12 python3.13 python3.14; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  echo "No usable Python: expected 3.11 or newer with its venv module (Debian: python3-venv)." \
    "Install one, or name it: PYTHON=/path/to/python3 $0" >&2
  return 2
}

# use_venv [EXTRAS]: EXTRAS like "train,dev"; nothing for the runtime alone, which every other
# choice contains. A stamp says for which pyproject.toml and constraints.txt .venv was made, so
# that a second call is quick.
use_venv() {
  local extras=${1:-} python stamp want
  want=$(cat pyproject.toml constraints.txt | cksum)
  for stamp in .venv/made-for-runtime"${extras:+,$extras}"*; do
    [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && return
  done
  # Without pip its making was interrupted, or its Python is gone: made again over what is there.
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || return
    [ -x .venv/bin/python ] || rm -rf .venv/bin # a link to nowhere would stay
    "$python" -m venv .venv || return
  fi
  echo "Installing into .venv (the first time this downloads packages) ..." >&2
  .venv/bin/python -m pip install -qq --disable-pip-version-check \
    -c constraints.txt -e ".${extras:+[$extras]}" || return
  if [[ ",$extras," == *,dev,* ]]; then
    # TensorRT's headers, for the plugin: nothing else of this wheel is used.
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps \
      kernel-lens==2.0.1 || return
  fi
  echo "$want" >".venv/made-for-runtime${extras:+,$extras}"
}
