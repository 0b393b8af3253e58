#!/bin/sh
# with-vmcore.sh CORE DEFAULTS COMMAND...
# Runs a command that finds CORE at /proc/vmcore and the folder DEFAULTS at /etc/default, as root of a capture kernel would.
# Nothing changes outside: call it by `unshare --mount`.
set -e
core=$1 defaults=$2
shift 2
work=$(mktemp -d)
mount -t tmpfs work "$work"
mkdir "$work/proc"
mount --bind /proc "$work/proc"
mount --bind "$defaults" /etc/default
# Files cannot be added to the real one.
mount -t tmpfs proc /proc
for entry in "$work"/proc/*; do ln -s "$entry" /proc/; done
touch /proc/vmcore
mount --bind "$core" /proc/vmcore
exec "$@"
