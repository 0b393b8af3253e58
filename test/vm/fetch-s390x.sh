#!/bin/bash
# fetch-s390x.sh [makedumpfile|node|guest]...
# Debian's programs for s390x with the libraries they need, unpacked to folders of $VMCORE_LAB; without names it is
# makedumpfile. Nothing is installed: apt gets lists and a package status of its own.
#   makedumpfile  .s390x        of this machine's release, to compare with (test/support/oracles.ts)
#   node          .s390x-node   Node.js for `npm run test:s390x`
#   guest         .s390x-guest  all that runs on the emulated machine that crashes (s390x/make-payload.sh)
. "$(dirname "$0")/settings.sh"

mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | grep -m 1 '/debian/\?$' ||
        echo http://deb.debian.org/debian
}

# unpack ROOT SUITE PACKAGE...
unpack() (
    root=$1 suite=$2 state=$(mktemp -d)
    shift 2
    trap 'rm -rf "$state" "$root.part"' EXIT
    mkdir -p "$state"/{lists,archives}/partial
    touch "$state/status"
    echo "deb [arch=s390x signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" \
        > "$state/sources.list"
    foreign() {
        apt-get -q -o Debug::NoLocking=1 -o APT::Architecture=s390x -o APT::Architectures=s390x \
            -o APT::Install-Recommends=0 -o APT::Sandbox::User=root \
            -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" \
            -o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives" "$@"
    }
    foreign update && foreign -y --download-only install "$@" libc6 libgcc-s1 || return
    for package in "$state"/archives/*.deb; do dpkg -x "$package" "$root.part" || return; done
    # The loader's path: a package that is installed finds the link there.
    [ -e "$root.part/lib" ] || ln -s usr/lib "$root.part/lib"
    mv "$root.part" "$root"
)

[ $# -gt 0 ] || set -- makedumpfile
for name in "$@"; do
    case $name in
        makedumpfile) root=$lab/.s390x suites=$(. /etc/os-release && echo "$VERSION_CODENAME") packages=(makedumpfile) ;;
        # Releases whose Node.js is new enough: a mirror that is being updated may lack files of one. That of forky has zstd.
        node)         root=$lab/.s390x-node suites='forky trixie' packages=(nodejs) ;;
        guest)        root=$lab/.s390x-guest suites='trixie forky' packages=(nodejs busybox-static kexec-tools strace makedumpfile) ;;
        *)            die "unknown: $name (makedumpfile, node, guest)" ;;
    esac
    for suite in $suites; do
        [ -d "$root" ] || unpack "$root" "$suite" "${packages[@]}" || echo "$name: not from $suite" >&2
    done
    [ -d "$root" ] || die "no $name for s390x"
done
