#!/bin/bash
# crash-kernel.sh KERNEL_DIR OUT_DIR [OPTION=VALUE...]
# Boot a kernel in QEMU, fill its memory, crash it, and let a capture kernel copy /proc/vmcore to OUT_DIR/core.elf,
# or run a program. The serial console goes to OUT_DIR/console.log. Sizes are in MiB:
#   arch=x86_64             or s390x, always emulated and without the next three lines
#   mem=768 smp=2 nodes=1   the machine          crashkernel=256M  what the capture kernel gets
#   dimm=0                  a DIMM on top        balloon=0         taken away with virtio-balloon
#   la57=                   5-level page tables  append=           more for the kernel command line
#   guest=                  vm.NAME=VALUE words for guest/init
# The program:
#   run=                    shell script in /capture of the payload; what it leaves in /out comes to OUT_DIR/out
#   live=                   1: it runs in the kernel that does not crash then
#   payload=                image of its root (make-payload.sh)    out=   size of the disk that is /out; for four cores
#   initrd=                 of the capture kernel, if not KERNEL_DIR/initrd.img: run= goes to it as vm.run=
#   end=                    instead of run=: what such an initrd.img has on the console when it is done
#   capture=                more for the command line of the capture kernel
#   qemu=                   more arguments for QEMU
#   cuts=                   power cuts: the machine is saved when the program prints 'vm: save', and goes on from there
#                           once to its end (OUT_DIR/out/0) and so many times to a random moment (OUT_DIR/out/1, ...)
# Or no capture kernel at all:
#   dumps=1                 QEMU dumps the memory of the guest that panicked: OUT_DIR/{elf,paging,zlib}, and
#                           OUT_DIR/{lzo,snappy} where it was built with these
. "$(dirname "$0")/settings.sh"

kernel=${1:?usage: crash-kernel.sh KERNEL_DIR OUT_DIR [OPTION=VALUE...]} dest=${2:?}
shift 2
arch=x86_64 mem=768 smp=2 nodes=1 dimm=0 balloon=0 crashkernel=256M la57='' append='' guest=''
run='' live='' payload='' out='' initrd='' end='' capture='' qemu='' cuts='' dumps=''
for option in "$@"; do declare "$option"; done
limit=${VMCORE_VM_TIMEOUT:-1800} # seconds; under emulation strace of a call for each page takes most of it

mkdir -p "$dest"
tmp=$(mktemp -d "$dest/run.XXXXXX")
vm=
trap '[ -z "$vm" ] || kill "$vm" 2>/dev/null || true; rm -rf "$tmp"' EXIT

machine() { # CONSOLE
    case $arch in
        x86_64) echo "-machine q35 $(accelerator)$([ -n "$la57" ] || echo ,-la57) -serial file:$1" ;;
        s390x)  echo "-machine s390-ccw-virtio -accel tcg,thread=multi -cpu max" \
            "-chardev file,id=console,path=$1 -device sclpconsole,chardev=console" ;;
    esac
}

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

# disk SERIAL FILE [OPTION]: guest/init finds it by its serial number
disk() {
    echo "-drive if=none,id=$1,format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,file=$2${3:-}"
    echo "-device virtio-blk,drive=$1,serial=$1"
}

make_ext4() { # FILE MiB [FOLDER]
    truncate -s "$2M" "$1"
    PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -t ext4 ${3:+-d "$3"} "$1"
}

work_disk() {
    mkdir "$tmp/work"
    cp "$kernel/vmlinuz" "$tmp/work"
    cp "${initrd:-$kernel/initrd.img}" "$tmp/work/initrd.img"
    echo "console=ttyS0 loglevel=4 reset_devices numa=off acpi_no_memhotplug cgroup_disable=memory nr_cpus=1 panic=-1" \
        "${run:+vm.run=$run} $capture" > "$tmp/work/cmdline"
    # twice as large as guest/init fills it, and one more: the memory of the large guest holds 256 MiB of files
    make_ext4 "$tmp/work.img" $((mem / 8 + 256)) "$tmp/work"
}

disks() {
    disk work "$tmp/work.img"
    if [ -n "$dumps" ]; then
        echo "-device vmcoreinfo" # where the guest leaves its own
    elif [ -z "$run" ]; then
        disk core "$tmp/core"
    else
        disk out "$tmp/out.img"
        [ -z "$payload" ] || disk payload "$payload" ,readonly=on
    fi
}

result_disk() {
    if [ -n "$dumps" ]; then
        return
    elif [ -z "$run" ]; then
        truncate -s "$((mem + dimm + 64))M" "$tmp/core"
    else
        make_ext4 "$tmp/out.img" "${out:-$((4 * (mem + dimm) + 512))}"
    fi
}

# To QEMU's monitor; the compressed formats are flattened ones.
ask_for_dumps() {
    rm -f "$dest"/{elf,paging,zlib,lzo,snappy}
    printf '%s\n' stop "dump-guest-memory $dest/elf" "dump-guest-memory -p $dest/paging" \
        "dump-guest-memory -z $dest/zlib" "dump-guest-memory -l $dest/lzo" "dump-guest-memory -s $dest/snappy" quit >&3
}

# boot CONSOLE [ARGUMENT...]: QEMU, with its monitor on descriptor 3
boot() {
    local console=$1
    shift
    : > "$console"
    : > "$tmp/monitor.out" # not what the machine before said
    # shellcheck disable=SC2046,SC2086
    "qemu-system-$arch" $(machine "$console") $(memory) $(disks) $qemu -nodefaults -display none -no-reboot -monitor stdio \
        -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd.img" \
        -append "console=ttyS0 loglevel=5 panic=-1 crashkernel=$crashkernel vm.balloon=$balloon ${live:+vm.live=$run} $guest $append" \
        "$@" < "$tmp/monitor" > "$tmp/monitor.out" &
    vm=$!
}

wait_for_guest() { # CONSOLE
    local asked='' dumped='' saved='' end=$((SECONDS + limit))
    while kill -0 "$vm" 2>/dev/null; do
        if [ "$balloon" != 0 ] && [ -z "$asked" ] && grep -q 'vm: balloon-wait' "$1"; then
            echo "balloon $((mem + dimm - balloon))" >&3
            asked=1
        fi
        if [ -n "$cuts" ] && [ -z "$saved" ] && grep -q 'vm: save' "$1"; then
            printf 'stop\nmigrate "exec:cat > %s"\nquit\n' "$tmp/state" >&3
            saved=1
        fi
        if [ -n "$dumps" ] && [ -z "$dumped" ] && grep -q 'end Kernel panic' "$1"; then
            ask_for_dumps
            dumped=1
        fi
        [ $SECONDS -lt $end ] || die "no end after $limit s, see $1"
        sleep 0.2
    done
    wait "$vm" || true
    vm=
}

# rdump IMAGE FOLDER: what is on a disk
rdump() {
    mkdir -p "$2"
    PATH=$PATH:/sbin:/usr/sbin debugfs -R "rdump / $2" "$1" 2> /dev/null
}

# A machine that was saved while it was stopped is so when it is there again: until then `cont` does nothing.
resume() {
    until grep -q 'VM status: running' "$tmp/monitor.out"; do
        kill -0 "$vm" || die "the saved machine does not go on"
        printf 'cont\ninfo status\n' >&3
        sleep 0.2
    done
}

milliseconds() { date +%s%3N; }

# Goes on from the saved state, once to the end and then as long as chance will have it. What is on the disk is what a
# kernel finds that mounts it again: the journal is replayed.
cut_power() {
    local i start whole after
    mv "$tmp/out.img" "$tmp/out.saved"
    for ((i = 0; i <= cuts; i++)); do
        cp --sparse=always "$tmp/out.saved" "$tmp/out.img"
        boot "$dest/console-$i.log" -incoming "exec:cat $tmp/state"
        resume
        start=$(milliseconds)
        if [ $i = 0 ]; then
            wait_for_guest "$dest/console-$i.log"
            grep -q 'vm: exit 0' "$dest/console-0.log" || die "$run: see $dest/console-0.log"
            whole=$(($(milliseconds) - start))
        else
            after=$((whole * (RANDOM % 1000) / 1000))
            sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
            kill -KILL "$vm" 2> /dev/null || true
            wait "$vm" 2> /dev/null || true
            vm=
            echo "cut $i after $after of $whole ms" >> "$dest/cuts.log"
        fi
        PATH=$PATH:/sbin:/usr/sbin e2fsck -fy "$tmp/out.img" > /dev/null || [ $? -lt 4 ]
        rdump "$tmp/out.img" "$dest/out/$i"
    done
}

# What the guest left: the core, or the files of its /out.
collect() {
    if [ -n "$end" ]; then
        grep -q "$end" "$dest/console.log" || die "no '$end', see $dest/console.log"
        return
    fi
    if [ -n "$dumps" ]; then
        [ -s "$dest/zlib" ] || die "no dump, see $dest/console.log"
        chmod u+w "$dest"/{elf,paging,zlib,lzo,snappy} 2> /dev/null || true
        return
    fi
    if [ -z "$run" ]; then
        grep -q 'vm: saved' "$dest/console.log" || die "no core: $(grep 'vm: ' "$dest/console.log" | tail -1)"
        truncate -s "$(sed -n 's/.*vm: vmcore-bytes \([0-9]*\).*/\1/p' "$dest/console.log")" "$tmp/core"
        mv "$tmp/core" "$dest/core.elf"
        return
    fi
    grep -q 'vm: run' "$dest/console.log" || die "not run: $(grep 'vm: ' "$dest/console.log" | tail -1)"
    rm -rf "$dest/out" "$dest/cuts.log"
    if [ -n "$cuts" ]; then
        [ -e "$tmp/state" ] || die "not saved, see $dest/console.log"
        cut_power
        return
    fi
    grep -q 'vm: exit 0' "$dest/console.log" || die "$run: $(grep 'vm: ' "$dest/console.log" | tail -1)"
    rdump "$tmp/out.img" "$dest/out"
}

work_disk
result_disk
mkfifo "$tmp/monitor"
exec 3<> "$tmp/monitor"
boot "$dest/console.log"
wait_for_guest "$dest/console.log"
collect
