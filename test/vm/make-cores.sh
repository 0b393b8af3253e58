#!/bin/bash
# make-cores.sh [NAME...]
# Crash real kernels and keep their memory in $VMCORE_LAB/NAME/: core.elf, console.log, release and, where Debian's
# debug package was fetched, vmlinux. Without names all kinds are made. Existing cores are kept.
. "$(dirname "$0")/settings.sh"

all='small cleared la57 numa rt kernel-6.12 poison medium large'

# kind NAME: sets kernel, debug and options
kind() {
    local small='vm.huge=4 vm.files=2 vm.workload=noise=1,anon=6,zero=2,thp=4,hugetlb=4,pipe=2,pt=1'
    local modest='vm.huge=12 vm.files=32 vm.workload=anon=48,zero=16,thp=32,hugetlb=16,pipe=16,pt=4,mix=96'
    local medium='vm.huge=64 vm.files=128 vm.workload=anon=192,zero=64,thp=192,hugetlb=64,pipe=64,pt=16,mix=320'
    local large='vm.huge=96 vm.files=256 vm.workload=anon=256,zero=64,thp=256,hugetlb=128,pipe=64,pt=16,mix=5120'
    kernel=cloud-6.1 debug=
    case $1 in
        small)  debug=1 options=(mem=256 smp=1 crashkernel=80M "guest=vm.noise=1 vm.scrub=1 $small" append=init_on_free=1) ;;
        cleared) options=(mem=256 smp=1 crashkernel=80M "guest=vm.clearlog=1 vm.noise=1 vm.scrub=1 $small" append=init_on_free=1) ;;
        la57)   options=(mem=768 la57=1 "guest=$modest") ;;
        numa)   options=(mem=1024 nodes=2 dimm=512 balloon=128 "guest=vm.offline=2 $modest") ;;
        rt)     kernel=rt-6.1 options=(mem=768 "guest=$modest") ;;
        poison) kernel=full-6.1 options=(mem=1024 "guest=$modest,poison=16,tailpoison=4") ;;
        kernel-6.12) kernel=cloud-6.12 options=(mem=768 "guest=$modest") ;;
        medium) options=(mem=2048 "guest=$medium") ;;
        large)  options=(mem=8192 "guest=$large") ;;
        *)      die "no kind '$1'; there are: $all" ;;
    esac
}

make_core() {
    local name=$1 dir try
    kind "$name"
    dir=$("$here/fetch-kernel.sh" ${debug:+--debug} "$kernel") || return 1
    [ "$dir/initrd.img" -nt "$here/guest/init" ] || "$here/make-initramfs.sh" "$dir" || return 1
    # KASLR may leave a small guest no room for crashkernel=
    for try in 1 2 3 4; do
        "$here/crash-kernel.sh" "$dir" "$lab/$name" "${options[@]}" && break
        echo "$name: try $try failed"
    done
    [ -e "$lab/$name/core.elf" ] || return 1
    cp "$dir/release" "$lab/$name/release"
    [ ! -e "$dir/vmlinux" ] || ln -f "$dir/vmlinux" "$lab/$name/vmlinux"
}

failed=
[ $# -gt 0 ] || set -- $all # words
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
