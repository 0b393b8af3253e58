#!/bin/sh
# Node.js for s390x in user-mode emulation, from $VMCORE_LAB (test/vm/fetch-s390x.sh node).
here=$(cd "$(dirname "$0")" && pwd)
root=${VMCORE_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/vmcore-lab}/.s390x-node
# Compiling takes a quarter of what a process needs to start.
export NODE_COMPILE_CACHE="$root/compile-cache"
export VMCORE_EMULATED_NODE="$here/node.sh"
exec qemu-s390x-static -L "$root" "$root/usr/bin/node" --require "$here/exec-path.cjs" "$@"
