# Runs in a kernel that lives, in the payload's root: what its memory is used for, and what else its /proc/kcore tells.
set -e
vmcore() { node /vmcore/dist/bin/vmcore.js "$@"; }

node /vmcore/dist/test/vm/capture/mem-usage.js
vmcore mem-usage > /out/usage.txt
node /vmcore/dist/bin/vmcore-makedumpfile.js --mem-usage /proc/kcore > /out/makedumpfile.txt
vmcore vmcoreinfo /proc/kcore /out/vmcoreinfo.txt
vmcore dmesg /proc/kcore > /out/dmesg.txt
vmcore info --json /proc/kcore > /out/info.json
uname -r > /out/release.txt
