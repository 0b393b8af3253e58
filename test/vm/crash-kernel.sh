#!/bin/bash
# crash-kernel.sh KERNEL_DIR OUT_DIR [OPTION=VALUE...]
# Boot a kernel in QEMU, fill its memory, crash it, and let a capture kernel copy /proc/vmcore to OUT_DIR/core.elf.
# The serial console goes to OUT_DIR/console.log. Sizes are in MiB:
#   mem=768 smp=2 nodes=1   the machine          crashkernel=256M  what the capture kernel gets
#   dimm=0                  a DIMM on top        balloon=0         taken away with virtio-balloon
#   la57=                   5-level page tables  append=           more for the kernel command line
#   guest=                  vm.NAME=VALUE words for guest/init
. "$(dirname "$0")/settings.sh"

kernel=${1:?usage: crash-kernel.sh KERNEL_DIR OUT_DIR [OPTION=VALUE...]} out=${2:?}
shift 2
mem=768 smp=2 nodes=1 dimm=0 balloon=0 crashkernel=256M la57='' append='' guest=''
for option in "$@"; do declare "$option"; done
limit=${VMCORE_VM_TIMEOUT:-900} # seconds; under emulation an 8 GiB guest takes minutes

mkdir -p "$out"
run=$(mktemp -d "$out/run.XXXXXX")
qemu=
trap '[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true; rm -rf "$run"' EXIT

# KVM runs an unmodified kernel only where the CPU virtualizes: some hosts offer /dev/kvm and then never finish.
accelerator() {
    if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo &&
        { [ -z "$la57" ] || grep -qw la57 /proc/cpuinfo; }; then
        echo "-accel kvm -cpu host"
    else
        echo "-accel tcg,thread=multi -cpu max"
    fi
}

memory() {
    local i
    echo "-smp $smp -m ${mem}M$([ "$dimm" = 0 ] || echo ",slots=2,maxmem=$((mem + dimm))M")"
    for ((i = 0; nodes > 1 && i < nodes; i++)); do
        echo "-object memory-backend-ram,id=node$i,size=$((mem / nodes))M"
        echo "-numa node,nodeid=$i,memdev=node$i$([ "$i" -ge "$smp" ] || echo ",cpus=$i")"
    done
    [ "$dimm" = 0 ] || echo "-object memory-backend-ram,id=dimm,size=${dimm}M -device pc-dimm,memdev=dimm,node=$((nodes - 1))"
    [ "$balloon" = 0 ] || echo "-device virtio-balloon-pci"
}

# disk SERIAL FILE: guest/init finds it by its serial number
disk() {
    echo "-drive if=none,id=$1,format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,file=$2"
    echo "-device virtio-blk-pci,drive=$1,serial=$1"
}

work_disk() {
    mkdir "$run/work"
    cp "$kernel/vmlinuz" "$kernel/initrd.img" "$run/work"
    echo "console=ttyS0 loglevel=4 reset_devices numa=off acpi_no_memhotplug cgroup_disable=memory nr_cpus=1 panic=-1" \
        > "$run/work/cmdline"
    # twice as large as guest/init fills it, and one more: the memory of the large guest holds 256 MiB of files
    truncate -s "$((mem / 8 + 192))M" "$run/work.img"
    PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -t ext4 -d "$run/work" "$run/work.img"
}

wait_for_guest() {
    local asked='' end=$((SECONDS + limit))
    while kill -0 "$qemu" 2>/dev/null; do
        if [ "$balloon" != 0 ] && [ -z "$asked" ] && grep -q 'vm: balloon-wait' "$out/console.log"; then
            echo "balloon $((mem + dimm - balloon))" >&3
            asked=1
        fi
        [ $SECONDS -lt $end ] || die "no end after $limit s, see $out/console.log"
        sleep 0.2
    done
}

work_disk
truncate -s "$((mem + dimm + 64))M" "$run/core"
mkfifo "$run/monitor"
exec 3<> "$run/monitor"
[ -n "$la57" ] || feature=,-la57
: > "$out/console.log"
# shellcheck disable=SC2046
qemu-system-x86_64 -machine q35 $(accelerator)${feature:-} $(memory) $(disk work "$run/work.img") $(disk core "$run/core") \
    -nodefaults -display none -no-reboot -serial "file:$out/console.log" -monitor stdio \
    -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd.img" \
    -append "console=ttyS0 loglevel=5 panic=-1 crashkernel=$crashkernel vm.balloon=$balloon $guest $append" \
    < "$run/monitor" > /dev/null &
qemu=$!
wait_for_guest
wait "$qemu" || true
qemu=

grep -q 'vm: saved' "$out/console.log" || die "no core: $(grep 'vm: ' "$out/console.log" | tail -1)"
truncate -s "$(sed -n 's/.*vm: vmcore-bytes \([0-9]*\).*/\1/p' "$out/console.log")" "$run/core"
mv "$run/core" "$out/core.elf"
