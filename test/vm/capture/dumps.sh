# Runs in the capture kernel, in the payload's root: dumps /proc/vmcore in every way, counted by strace, and by
# makedumpfile. What it leaves in /out is compared on the host (crashes.vm.ts). Of the dumps of a level, which have to
# be the same, one is left.
set -e
here=/vmcore/dist/test/vm/capture

step() { echo "vm: $*, uptime $(cut -d' ' -f1 /proc/uptime)"; }

dd if=/proc/vmcore of=/out/core.elf bs=1M
for level in 0 31; do
    makedumpfile --message-level 16 -d $level /proc/vmcore /out/$level-makedumpfile.kdump
    for way in mmap read auto; do
        step level $level, $way
        first=/out/$level-mmap.kdump file=/out/$level-$way.kdump
        strace -f -y -s 0 --seccomp-bpf -e trace=mmap,munmap,read,pread64,readv,preadv,preadv2 \
            -o /out/$level-$way.strace node $here/dump.js $level $way $file $first > /out/$level-$way.json
        [ $file = $first ] || rm $file
    done
done
step ranges
node $here/ranges.js > /out/ranges.json
step calls
# By reads makedumpfile makes a call for each page: under strace, emulated, that takes minutes for more memory than brief has.
access=mmap,auto
[ "$(stat -c %s /proc/vmcore)" -gt $((400 << 20)) ] || access=mmap,read,auto
node /vmcore/dist/benchmarks/access/main.js /proc/vmcore --access $access --json /out/access.json
