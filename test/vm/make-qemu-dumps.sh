#!/bin/bash
# make-qemu-dumps.sh
# Let a kernel panic, and QEMU dump its memory in each of its formats, to $VMCORE_LAB/qemu/: elf, paging (ELF by the
# guest's page tables), zlib, lzo and snappy. Existing dumps are kept.
. "$(dirname "$0")/settings.sh"
. "$here/kinds.sh"

[ ! -e "$lab/qemu/release" ] || { echo "qemu: there"; exit; }
kind qemu
make_kernel
"$here/crash-kernel.sh" "$kernel_dir" "$lab/qemu" "${options[@]}"
cp "$kernel_dir/release" "$lab/qemu/release"
echo "qemu: $(du -sm "$lab/qemu" | cut -f1) MiB of $(cat "$lab/qemu/release") in $SECONDS s"
