#!/bin/bash
# build-kernel.sh
# Debian's kernels for s390x have no CONFIG_CRASH_DUMP: no crashkernel=, no /proc/vmcore. This builds one from Debian's
# source, without modules, and prints its directory in $VMCORE_LAB, which holds vmlinuz and release. It takes 20 minutes
# or less on two processors, once. On Debian: apt-get install flex bison bc make g++-s390x-linux-gnu; and qemu-system-misc, which runs it.
. "$(dirname "$0")/../settings.sh"

dir=$lab/.kernels/s390x-6.1
if [ ! -e "$dir/vmlinuz" ]; then
    build=$lab/.build-s390x
    mkdir -p "$build/object" "$dir"
    cd "$build"
    [ -d source ] || {
        apt-get -qq -o APT::Sandbox::User=root download linux-source-6.1 >&2
        mkdir source
        dpkg-deb --fsys-tarfile linux-source-6.1_*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
            tar -xJ -C source --strip-components=1
        rm linux-source-6.1_*.deb
    }
    kernel_make() {
        make -C source O="$build/object" ARCH=s390 CROSS_COMPILE=s390x-linux-gnu- -j"$(nproc)" "$@" >&2
    }
    # The smallest configuration that Linux has for this machine, and what the guest needs: disks, a console, ext4, threads and
    # children of Node.js, memory of many kinds, in blocks that kexec asks for, a capture kernel that is loaded as a file, a key
    # that crashes, the address of the kernel chosen at boot; no debug information.
    kernel_make zfcpdump_defconfig
    source/scripts/config --file object/.config --set-str LOCALVERSION -vmcore -d LOCALVERSION_AUTO -d MODULES \
        -e S390_GUEST -e VIRTIO_MENU -e VIRTIO_BLK -e EXT4_FS -e TMPFS -e DEVTMPFS -e SCLP_CONSOLE -e SCLP_TTY \
        -e UNIX -e SECCOMP -e RELOCATABLE -e RANDOMIZE_BASE --set-val NR_CPUS 64 \
        -e COMPACTION -e MIGRATION -e TRANSPARENT_HUGEPAGE -e HUGETLBFS -e SWAP -e CGROUPS -e MEMCG -e MEMORY_HOTPLUG \
        -e KEXEC -e KEXEC_FILE -e CRYPTO -e CRYPTO_HW -e CRYPTO_SHA256 -e CRYPTO_SHA256_S390 -e MAGIC_SYSRQ \
        -d DEBUG_INFO_DWARF4 -e DEBUG_INFO_NONE
    kernel_make olddefconfig
    for option in PROC_VMCORE KEXEC_FILE MEMORY_HOTPLUG MAGIC_SYSRQ; do
        grep -q "^CONFIG_$option=y" object/.config || die "the configuration lost $option"
    done
    kernel_make bzImage
    make -s -C source O="$build/object" ARCH=s390 kernelrelease > "$dir/release"
    cp object/arch/s390/boot/bzImage "$dir/vmlinuz"
    rm -rf "$build"
fi
echo "$dir"
