#!/bin/bash
# pack.sh INITRD [MODULE...]
# Build an initramfs for a capture kernel: busybox, modules for disks and network, and a squashfs with this agent, the package
# as it is built here and Node.js without its symbols. So only what is used of Node.js is in memory unpacked, and can be
# dropped again. In the environment:
#   KERNEL       the kernel's release; default: the running one        MODULES_ROOT  where its lib/modules is; default: /
#   ENVIRONMENT  a file of shell variables for the agent: credentials  NODE          default: node
# kexec -p /boot/vmlinuz-$(uname -r) --initrd=INITRD --append='... agent.targets=https://host/crashes' loads it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
initrd=$(realpath -m "${1:?usage: pack.sh INITRD [MODULE...]}")
shift
[ $# -gt 0 ] || set -- virtio_pci virtio_blk virtio_net nvme ext4 crc32c_generic
. "$here/../../test/vm/copy.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
system=$work/system root=$work/root
mkdir -p "$system"/{agent,bin} "$root"/{bin,dev,disk,etc,modules,proc,sys,system,tmp}

copy_program "$system" "$(command -v "${NODE:-node}")" /bin/node
strip "$system/bin/node"
npm run --silent --prefix "$here" bundle -- --log-level=warning --outdir="$system/agent"
# shellcheck disable=SC2046
copy_package "$system/agent/node_modules/vmcore" $(native_parts)
mksquashfs "$system" "$root/system.squashfs" -comp zstd -all-root -no-xattrs -noappend -quiet -no-progress

install "$here/init" "$root/init"
install "$here/dhcp" "$root/bin/dhcp"
install "$(command -v busybox)" "$root/bin/busybox"
ln -s /system/bin/node "$root/bin/node"
for folder in "$system"/lib*; do ln -s "/system/${folder##*/}" "$root/${folder##*/}"; done
[ -z "${ENVIRONMENT:-}" ] || install -m 600 "$ENVIRONMENT" "$root/etc/agent"
copy_modules "$root/modules" "${MODULES_ROOT:-/}" "${KERNEL:-$(uname -r)}" squashfs loop "$@"
(cd "$root" && find . | sort | cpio -o -H newc --owner=0:0 --quiet) > "$initrd.part"
mv "$initrd.part" "$initrd"
megabytes() { du -sm "$1" | cut -f1; }
echo "$initrd: $(megabytes "$initrd") MiB; of Node.js and the agent $(megabytes "$system") MiB, packed to $(megabytes "$root/system.squashfs")"
