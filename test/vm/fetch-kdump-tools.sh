#!/bin/bash
# fetch-kdump-tools.sh
# Debian's kdump-tools, unpacked to $VMCORE_LAB/.kdump-tools: test/cli/kdump-tools.test.ts runs its script that saves
# cores. Nothing is installed.
. "$(dirname "$0")/settings.sh"

root=$lab/.kdump-tools
[ ! -e "$root/usr/sbin/kdump-config" ] || exit 0
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
cd "$part"
apt-get -qq -o APT::Sandbox::User=root download kdump-tools
dpkg -x kdump-tools_*.deb root
rm -rf "$root"
mv root "$root"
