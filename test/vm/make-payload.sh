#!/bin/bash
# make-payload.sh IMAGE
# Build an ext4 image with a root for the capture kernel: Node.js without its symbols, this package as it is built,
# makedumpfile, strace, busybox, and the scripts of capture/.
. "$(dirname "$0")/settings.sh"
. "$here/copy.sh"

image=${1:?usage: make-payload.sh IMAGE}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,proc,sys,dev,tmp,out}

for applet in $(busybox --list); do ln -sf busybox "$root/bin/$applet"; done
rm "$root/bin/busybox"
install "$(command -v busybox)" "$root/bin/busybox"
copy_program "$root" "$(command -v "${NODE:-node}")" /bin/node
strip "$root/bin/node"
for program in makedumpfile strace; do
    rm -f "$root/bin/$program"
    copy_program "$root" "$(command -v $program)" "/bin/$program"
done
# shellcheck disable=SC2046
copy_capture "$root" $(native_parts)
make_image "$image" "$root"
