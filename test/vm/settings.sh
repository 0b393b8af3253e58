# Sourced by the scripts here: strict mode, and where everything big goes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=${VMCORE_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/vmcore-lab}
mkdir -p "$lab"

die() { echo "${0##*/}: $*" >&2; exit 1; }
