#!/bin/bash
# make-initramfs.sh KERNEL_DIR
# Build KERNEL_DIR/initrd.img, for the kernel that crashes and for the one that saves its memory: busybox, kexec,
# the workload, guest/init, and the modules that a virtio guest needs, in load order.
. "$(dirname "$0")/settings.sh"
. "$here/copy.sh"

kernel=${1:?usage: make-initramfs.sh KERNEL_DIR}
release=$(cat "$kernel/release")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,proc,sys,dev,tmp,mnt,modules}

install "$here/guest/init" "$root/init"
install "$(command -v busybox)" "$root/bin/busybox"
copy_program "$root" "$(PATH=$PATH:/usr/sbin:/sbin command -v kexec)"
cc -O2 -Wall -Wextra -static -o "$root/bin/workload" "$here/guest/workload.c"

copy_modules "$root/modules" "$kernel" "$release" virtio_pci virtio_blk crc32c_generic ext4 qemu_fw_cfg virtio_balloon

(cd "$root" && find . | sort | cpio -o -H newc --owner=0:0 --quiet) | gzip > "$kernel/initrd.img.part"
mv "$kernel/initrd.img.part" "$kernel/initrd.img"
