# Runs in the capture kernel, in the payload's root: dumps /proc/vmcore while something goes wrong, and writes to
# /out/faults.txt, in a line for each: what, the exit status of the dump, that of `vmcore verify` of what it left, and the
# level of that.
vmcore() { node /vmcore/dist/bin/vmcore.js "$@"; }

device() { # the device node of the virtio disk with this serial number
    for d in /sys/block/vd*; do
        [ "$(cat "$d/serial")" = "$1" ] && echo "/dev/${d##*/}"
    done
}

megabytes() { awk "/^$1:/{print int(\$2 / 1024)}" /proc/meminfo; }

# result NAME STATUS FILE: of a dump that ended with STATUS. What is in memory of the file is not what is on the disk.
result() {
    sync
    echo 3 > /proc/sys/vm/drop_caches
    vmcore verify "$3"
    verified=$?
    # dump_level of struct kdump_sub_header, which lies behind the header's block (makedumpfile's diskdump_mod.h)
    level=$(hexdump -s 4104 -n 4 -e '"%u"' "$3")
    echo "$1 $2 $verified $level" >> /out/faults.txt
    echo "vm: fault $1: dump $2, verify $verified, level $level, uptime $(cut -d' ' -f1 /proc/uptime)"
}

dump() { vmcore dump --num-threads 0 --message-level 2 --compression none "$@"; }

mkdir /tmp/full /tmp/bad
mount -t ext4 "$(device full)" /tmp/full
mount -t ext4 "$(device bad)" /tmp/bad

# The disk is full in the middle of level 0: there is another level, or none.
dump -d 0,31 /proc/vmcore /tmp/full/next
result next-level $? /tmp/full/next
rm /tmp/full/next
dump -d 0 /proc/vmcore /tmp/full/vmcore
result full $? /tmp/full/vmcore
umount /tmp/full

# The disk takes nothing more behind its first part.
dump -d 0 /proc/vmcore /tmp/bad/vmcore
result io-error $? /tmp/bad/vmcore

# Somebody ends it.
dump -d 0 /proc/vmcore /out/ended &
until [ "$(stat -c %s /out/ended 2> /dev/null || echo 0)" -gt 33554432 ]; do sleep 0.1; done
kill -TERM "$(pidof node)"
wait $!
result sigterm $? /out/ended
rm /out/ended

# Memory is nearly used up by something else.
head -c $(($(megabytes MemAvailable) - 56))m /dev/zero > /tmp/ballast
vmcore dump --num-threads 0 -c -d 31 /proc/vmcore /out/squeezed
result memory-pressure $? /out/squeezed
exit 0
