#!/bin/bash
# make-cores.sh [NAME...]
# Crash real kernels and keep their memory in $VMCORE_LAB/NAME/: core.elf, console.log, release and, where Debian's
# debug package was fetched, vmlinux. Without names all kinds that are listed in README.md are made. Existing cores
# are kept.
. "$(dirname "$0")/settings.sh"
. "$here/kinds.sh"

make_core() {
    local name=$1 try
    kind "$name"
    make_kernel || return 1
    # KASLR may leave a small guest no room for crashkernel=
    for try in 1 2 3 4; do
        "$here/crash-kernel.sh" "$kernel_dir" "$lab/$name" "${options[@]}" && break
        echo "$name: try $try failed"
    done
    [ -e "$lab/$name/core.elf" ] || return 1
    cp "$kernel_dir/release" "$lab/$name/release"
    [ ! -e "$kernel_dir/vmlinux" ] || ln -f "$kernel_dir/vmlinux" "$lab/$name/vmlinux"
}

failed=
[ $# -gt 0 ] || set -- $cores # words
for name in "$@"; do
    start=$SECONDS
    if [ -e "$lab/$name/core.elf" ]; then
        echo "$name: there"
    elif make_core "$name"; then
        echo "$name: $(($(stat -c %s "$lab/$name/core.elf") >> 20)) MiB of $(cat "$lab/$name/release") in $((SECONDS - start)) s"
    else
        failed="$failed $name"
    fi
done
[ -z "$failed" ] || die "failed:$failed"
