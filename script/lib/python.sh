# Sourced by the scripts: sets $root and $python (3.11 or newer), or says what is missing and ends.
root=$(cd "$(dirname "$0")/.." && pwd)
case "${RAPPORT_DATA_DIR:-/}" in
  /*) ;;
  *) RAPPORT_DATA_DIR="$PWD/$RAPPORT_DATA_DIR"; export RAPPORT_DATA_DIR ;;
esac
python=""
seen=""
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
  command -v "$candidate" >/dev/null 2>&1 || continue
  version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "old %d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case "$version" in
    old*) seen="${version#old }" ;;
    *) python=$(command -v "$candidate"); break ;;
  esac
done
if [ -z "$python" ]; then
  if [ -n "$seen" ]; then
    echo "Rapport needs Python 3.11 or newer, and this is Python $seen. Install a newer one, or set PYTHON to its path." >&2
  else
    echo "Rapport needs Python 3.11 or newer, and none was found. Install it (Debian, Ubuntu: apt-get install python3), or set PYTHON to its path." >&2
  fi
  exit 1
fi
