#!/bin/bash
# fetch-s390x.sh
# Debian's makedumpfile for s390x, with the libraries it needs, unpacked to $VMCORE_LAB/.s390x: qemu-s390x-static runs it
# (test/support/oracles.ts). Nothing is installed: apt gets lists and a package status of its own.
. "$(dirname "$0")/settings.sh"

root=$lab/.s390x
[ ! -e "$root/usr/bin/makedumpfile" ] || exit 0
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state"/{lists,archives}/partial "$root"
touch "$state/status"
foreign() {
    apt-get -q -o Debug::NoLocking=1 -o APT::Architecture=s390x -o APT::Architectures=s390x \
        -o APT::Install-Recommends=0 -o APT::Sandbox::User=root \
        -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" \
        -o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives" "$@"
}
foreign update
foreign -y --download-only install makedumpfile libc6 libgcc-s1
for package in "$state"/archives/*.deb; do dpkg -x "$package" "$root.part"; done
rm -rf "$root"
mv "$root.part" "$root"
