#!/bin/sh
# Builds prebuilds/linux-<arch>/vmcore.node for the architectures named, by default all: x64 s390x arm64.
# For the others than this machine's, on Debian: apt-get install g++-s390x-linux-gnu g++-aarch64-linux-gnu
# (and g++-x86-64-linux-gnu on a machine that is none). Ends with a check that they load on RHEL 8.
set -eu
cd "$(dirname "$0")/.."

# The oldest Node 20 with the interface used; Node-API 8 is the same in all later ones.
target=20.19.0
host=$(node -p process.arch)

triplet_of() {
  case $1 in
    x64) echo x86_64-linux-gnu ;;
    s390x) echo s390x-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    *) echo "prebuild.sh: unknown architecture '$1' (x64, s390x, arm64)" >&2; exit 2 ;;
  esac
}

build() {
  triplet=$(triplet_of "$1")
  if [ "$1" = "$host" ]; then
    prefix=
  else
    prefix=$triplet-
    if ! command -v "${prefix}g++" > /dev/null; then
      echo "prebuild.sh: ${prefix}g++ is missing; on Debian: apt-get install g++-$(echo "$triplet" | tr _ -)" >&2
      exit 1
    fi
  fi
  echo "== linux-$1"
  CC=${prefix}gcc CXX=${prefix}g++ node_modules/.bin/prebuildify --napi --strip --strip-bin="${prefix}strip" \
    --platform=linux --arch="$1" -t "$target"
}

# They are built where this machine's addon is: it is put back, because whoever asked for them may need it next.
if [ -d build ]; then
  kept=$(mktemp -d)
  cp -a build "$kept"
  trap 'rm -rf build; mv "$kept/build" build; rmdir "$kept"' EXIT
fi
[ $# -gt 0 ] || set -- x64 s390x arm64
for arch in "$@"; do build "$arch"; done
node scripts/check-symbols.mjs
