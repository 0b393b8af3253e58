# Sourced.

# copy_program ROOT FILE [DESTINATION]: with the shared libraries it needs, which get the paths they have here
copy_program() {
    local root=$1 file=$2 library
    install -D "$(readlink -f "$file")" "$root${3:-$file}"
    for library in $(ldd "$file" | grep -oE '/[^ ]+'); do
        [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
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
