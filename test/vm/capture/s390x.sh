# Runs in the capture kernel of an s390x machine, which is always emulated: a copy of /proc/vmcore, dumps of it by mmap and
# by read, a mapping that loses its pages, and the calls of each. strace stops take a millisecond there: it counts makedumpfile's calls only.
set -e
here=/vmcore/dist/test/vm/capture

# Where QEMU emulates the whole machine (7.2), code that V8 compiled dies now and then, of all tiers: it only interprets.
node() { command node --jitless "$@"; }

step() { echo "vm: $*, uptime $(cut -d' ' -f1 /proc/uptime)"; }

step copy
dd if=/proc/vmcore of=/out/core.elf bs=1M
for level in 0 31; do
    step level $level, makedumpfile
    makedumpfile --message-level 16 -d $level /proc/vmcore /out/$level-makedumpfile.kdump
    for way in mmap read; do
        step level $level, $way
        first=/out/$level-mmap.kdump file=/out/$level-$way.kdump
        node $here/dump.js $level $way $file $first > /out/$level-$way.json
        [ $file = $first ] || rm $file
    done
done
# User-mode emulation has no SIGBUS of a file that was cut off.
step lost pages
yes | head -c 262144 > /tmp/lost
node /vmcore/dist/test/native/programs/sigbus.js /tmp/lost lostPages > /out/lost.json
step calls
node /vmcore/dist/benchmarks/access/main.js /proc/vmcore --json /out/access.json
