#!/bin/bash
# make-crash.sh NAME OUT_DIR SCRIPT [OPTION=VALUE...]
# Crash a kernel of kind NAME and run SCRIPT of capture/ in its capture kernel, on the real /proc/vmcore. What it
# leaves in /out comes to OUT_DIR/out, the console to OUT_DIR/console.log. The options are those of crash-kernel.sh,
# and come after those of the kind.
. "$(dirname "$0")/settings.sh"
. "$here/kinds.sh"

name=${1:?usage: make-crash.sh NAME OUT_DIR SCRIPT [OPTION=VALUE...]} dest=${2:?} script=${3:?}
shift 3
mkdir -p "$dest"
kind "$name"
make_kernel
[ "${initrd:-}" ] || "$(scripts_of "$arch")/make-payload.sh" "$dest/payload.img"
trap 'rm -f "$dest/payload.img"' EXIT
# KASLR may leave a small guest no room for crashkernel=
for try in 1 2 3; do
    if "$here/crash-kernel.sh" "$kernel_dir" "$dest" "${options[@]}" run="$script" payload="$dest/payload.img" "$@"; then
        [ ! -e "$kernel_dir/vmlinux" ] || ln -sf "$kernel_dir/vmlinux" "$dest/vmlinux"
        exit
    fi
    grep -q 'vm: run' "$dest/console.log" && break
done
die "$name failed, see $dest/console.log"
