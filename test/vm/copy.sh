# Sourced.

# copy_program ROOT FILE [DESTINATION]: with the shared libraries it needs, which get the paths they have here
copy_program() {
    local root=$1 file=$2 library
    install -D "$(readlink -f "$file")" "$root${3:-$file}"
    for library in $(ldd "$file" | grep -oE '/[^ ]+'); do
        [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
    done
}

# copy_modules DESTINATION MODULES_ROOT RELEASE NAME...: kernel modules and those they need, numbered in the order in which
# they load; built-in and absent ones have no file
copy_modules() {
    local destination=$1 root=$2 release=$3 n=10 name file
    shift 3
    for file in $(for name in "$@"; do
        modprobe -d "$root" -S "$release" --show-depends "$name" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ {print $2}'); do
        n=$((n + 1))
        case $file in
            *.xz) xz -dc "$file" > "$destination/$n-$(basename "$file" .xz)" ;;
            *)    cp "$file" "$destination/$n-$(basename "$file")" ;;
        esac
    done
}

# native_parts: what copy_package needs on a machine like this one: the addon, and zstd
native_parts() {
    echo build/Release/vmcore.node
    echo node_modules/zstd-napi/{package.json,binding.js,dist,build/Release/binding.node}
}

# copy_package DESTINATION PART...: this package as it is built here, with the packages that it runs with
copy_package() {
    local project=$here/../.. destination=$1 part
    shift
    for part in package.json dist/lib node_modules/node-gyp-build "$@"; do
        if [ ! -e "$project/$part" ]; then
            [[ $part == node_modules/zstd-napi/* ]] && continue # it is optional
            echo "$part is missing: build it first" >&2
            return 1
        fi
        mkdir -p "$(dirname "$destination/$part")"
        cp -r "$project/$part" "$(dirname "$destination/$part")"
    done
    find "$destination" \( -name '*.map' -o -name '*.d.ts' \) -delete
}

# copy_capture ROOT PART...: the package with its tests and benchmarks, and the scripts of capture/
copy_capture() {
    local root=$1
    shift
    mkdir -p "$root"/{capture,vmcore}
    install "$here"/capture/*.sh "$root/capture"
    copy_package "$root/vmcore" dist/bin "$@"
    cp -r "$here/../../dist/test" "$here/../../dist/benchmarks" "$root/vmcore/dist"
}

# make_image IMAGE ROOT: an ext4 image of a folder
make_image() {
    rm -f "$1"
    truncate -s $(($(du -sm "$2" | cut -f1) * 5 / 4 + 32))M "$1.part"
    PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -t ext4 -d "$2" "$1.part"
    mv "$1.part" "$1"
}
