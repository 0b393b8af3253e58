# Runs in the capture kernel, in the payload's root: counts the calls on /proc/vmcore of dumps that go nowhere, and leaves
# the pages of level 31 in /out, ours and makedumpfile's.
set -e
node /vmcore/dist/benchmarks/access/main.js /proc/vmcore --access mmap,auto --json /out/access.json
makedumpfile --message-level 16 -d 31 /proc/vmcore /out/31-makedumpfile.kdump
node /vmcore/dist/bin/vmcore.js dump -d 31 /proc/vmcore /out/31.kdump
