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

# module_files NAME...: the files of these modules and of those they need; built-in and absent ones have none
module_files() {
    local name
    for name in "$@"; do
        modprobe -d "$kernel" -S "$release" --show-depends "$name" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ {print $2}'
}

install "$here/guest/init" "$root/init"
install "$(command -v busybox)" "$root/bin/busybox"
copy_program "$root" "$(PATH=$PATH:/usr/sbin:/sbin command -v kexec)"
cc -O2 -Wall -Wextra -static -o "$root/bin/workload" "$here/guest/workload.c"

n=10
for file in $(module_files virtio_pci virtio_blk crc32c_generic ext4 qemu_fw_cfg virtio_balloon); do
    n=$((n + 1))
    case $file in
        *.xz) xz -dc "$file" > "$root/modules/$n-$(basename "$file" .xz)" ;;
        *)    cp "$file" "$root/modules/$n-$(basename "$file")" ;;
    esac
done

(cd "$root" && find . | sort | cpio -o -H newc --owner=0:0 --quiet) | gzip > "$kernel/initrd.img.part"
mv "$kernel/initrd.img.part" "$kernel/initrd.img"
