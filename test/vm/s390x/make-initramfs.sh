#!/bin/bash
# make-initramfs.sh KERNEL_DIR
# Build KERNEL_DIR/initrd.img as ../make-initramfs.sh does, of s390x programs; the kernel needs no modules.
. "$(dirname "$0")/../settings.sh"

kernel=${1:?usage: make-initramfs.sh KERNEL_DIR}
guest=$lab/.s390x-guest
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,proc,sys,dev,tmp,mnt,modules,lib}

install "$here/guest/init" "$root/init"
install "$guest/usr/bin/busybox" "$root/bin/busybox"
install "$guest/usr/sbin/kexec" "$root/sbin/kexec"
install "$guest"/usr/lib/s390x-linux-gnu/{ld64.so.1,libc.so.6} "$root/lib"
s390x-linux-gnu-gcc -O2 -Wall -Wextra -static -o "$root/bin/workload" "$here/guest/workload.c"

(cd "$root" && find . | sort | cpio -o -H newc --owner=0:0 --quiet) | gzip > "$kernel/initrd.img.part"
mv "$kernel/initrd.img.part" "$kernel/initrd.img"
