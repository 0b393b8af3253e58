# Runs in the capture kernel, in the payload's root: dumps /proc/vmcore to /out, and is cut off on the way. Where that begins,
# the machine is saved, so that it is booted once for many cuts (crash-kernel.sh, cuts=).
set -e
vmcore() { node /vmcore/dist/bin/vmcore.js "$@"; }

# What is written goes to the disk soon, not after 30 seconds: else there would be nothing on it yet.
echo 20 > /proc/sys/vm/dirty_writeback_centisecs
echo 20 > /proc/sys/vm/dirty_expire_centisecs
vmcore info /proc/vmcore > /dev/null # programs are in memory
echo "vm: save"
sleep 3
# Emulated processors are slow at compressing.
vmcore dump --num-threads 0 --compression none -d 31 /proc/vmcore /out/vmcore
