#!/bin/bash
# fetch-kernel.sh [--debug] FLAVOUR-SERIES
# Download, never install, the newest Debian kernel of a series that apt knows. FLAVOUR is cloud, full or rt,
# SERIES such as 6.1. Prints the directory that then holds vmlinuz, release, lib/modules and, with --debug,
# vmlinux of the same package.
. "$(dirname "$0")/settings.sh"

debug=
[ "${1:-}" = --debug ] && { debug=1; shift; }
name=${1:?usage: fetch-kernel.sh [--debug] cloud-6.1|full-6.1|rt-6.1|cloud-6.12|...}
dir=$lab/.kernels/$name

case $name in
    cloud-*) suffix=-cloud-amd64 ;;
    full-*)  suffix=-amd64 ;;
    rt-*)    suffix=-rt-amd64 ;;
    *)       die "unknown flavour in '$name'" ;;
esac
series=${name#*-}

newest_package() {
    # linux-image-6.1.0-56-cloud-amd64 is Debian's own, linux-image-6.12.117+deb12-amd64 a backport
    apt-cache search --names-only "^linux-image-${series//./\\.}\.[0-9]+(-[0-9]+|\+[a-z0-9]+)$suffix\$" |
        awk '{print $1}' | sort -V | tail -1
}

# unpack PACKAGE TAR-ARGUMENTS...: only what tar is asked for, into the current directory
unpack() {
    local package=$1
    shift
    rm -f "$package"_*.deb
    apt-get -qq -o APT::Sandbox::User=root download "$package" >&2
    dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x "$@"
    rm "$package"_*.deb
}

if [ ! -e "$dir/release" ]; then
    package=$(newest_package)
    [ -n "$package" ] || die "apt knows no kernel $name (apt-get update?)"
    release=${package#linux-image-}
    rm -rf "$dir"
    mkdir -p "$dir"
    cd "$dir"
    unpack "$package" --transform="s,^\./boot/vmlinuz-.*,vmlinuz," "./boot/vmlinuz-$release" ./lib
    depmod -b "$dir" "$release"
    echo "$release" > release
fi
cd "$dir"
if [ -n "$debug" ] && [ ! -e vmlinux ]; then
    release=$(cat release)
    unpack "linux-image-$release-dbg" --strip-components=5 --transform='s,vmlinux-.*,vmlinux.part,' \
        "./usr/lib/debug/boot/vmlinux-$release"
    mv vmlinux.part vmlinux
fi
echo "$dir"
