#!/bin/bash
# make-agent-crash.sh OUT_DIR RAM MEM TARGET [OPTION=VALUE...]
# Crash a kernel of kind brief with MEM MiB of memory, which is the file RAM if that is not empty, and let examples/agent save
# it to TARGET. The options are those of crash-kernel.sh.
. "$(dirname "$0")/settings.sh"
. "$here/kinds.sh"

dest=${1:?usage: make-agent-crash.sh OUT_DIR RAM MEM TARGET [OPTION=VALUE...]} ram=${2?} mem=${3:?} target=${4:?}
shift 4
mkdir -p "$dest"
kind brief
make_kernel
KERNEL=$(cat "$kernel_dir/release") MODULES_ROOT=$kernel_dir PATH=$PATH:/sbin:/usr/sbin \
    "$here/../../examples/agent/pack.sh" "$dest/agent.img"
backend=
[ -z "$ram" ] || backend="-object memory-backend-file,id=ram,share=on,mem-path=$ram,size=${mem}M -machine memory-backend=ram"
network="-netdev user,id=net,restrict=off -device virtio-net-pci,netdev=net"
"$here/crash-kernel.sh" "$kernel_dir" "$dest" "${options[@]}" mem="$mem" initrd="$dest/agent.img" \
    qemu="$backend $network" capture="agent.targets=$target agent.end=poweroff,-f" end='agent: exit 0' "$@"
[ ! -e "$kernel_dir/vmlinux" ] || ln -sf "$kernel_dir/vmlinux" "$dest/vmlinux"
