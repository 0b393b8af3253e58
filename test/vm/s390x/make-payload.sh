#!/bin/bash
# make-payload.sh IMAGE
# Build what ../make-payload.sh builds, for s390x: Debian's programs as they are, and the prebuilt addon.
. "$(dirname "$0")/../settings.sh"
. "$here/copy.sh"

image=${1:?usage: make-payload.sh IMAGE}
guest=$lab/.s390x-guest
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{proc,sys,dev,tmp,out}

cp -a "$guest/." "$root"
rm -rf "$root"/usr/share/{doc,man,locale,perl,info} "$root"/usr/lib/s390x-linux-gnu/perl*
[ -e "$root/bin" ] || ln -s usr/bin "$root/bin"
for applet in sh cat cut dd rm; do ln -sf busybox "$root/usr/bin/$applet"; done
project=$here/../.. addon=prebuilds/linux-s390x/vmcore.node
# Missing, or older than its sources.
if [ ! -e "$project/$addon" ] || [ -n "$(find "$project/native" "$project/binding.gyp" -newer "$project/$addon" -print -quit)" ]; then
    npm run --silent --prefix "$project" prebuild:all -- s390x >&2
fi
copy_capture "$root" "$addon"
make_image "$image" "$root"
