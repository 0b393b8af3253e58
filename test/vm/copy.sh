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

# copy_package DESTINATION: this package as it is built here, with the packages that it runs with
copy_package() {
    local project=$here/../.. part
    for part in package.json dist/lib build/Release/vmcore.node node_modules/node-gyp-build \
        node_modules/zstd-napi/{package.json,binding.js,dist,build/Release/binding.node}; do
        [ -e "$project/$part" ] || continue # zstd-napi is optional
        mkdir -p "$(dirname "$1/$part")"
        cp -r "$project/$part" "$(dirname "$1/$part")"
    done
    find "$1" \( -name '*.map' -o -name '*.d.ts' \) -delete
}
