#!/bin/sh
# Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer in build/asan and runs its tests with it.
# Leaks are not looked for: Node itself does not free everything at exit. What may not leak here are mappings, and the
# tests read /proc/self/maps.
set -eu
cd "$(dirname "$0")/.."

# node-gyp-build looks for build/Release in the folder that VMCORE_PREBUILD names.
node_modules/.bin/cmake-js compile --directory native --out build/asan/build --CDVMCORE_SANITIZE=ON --log-level warn
[ -d dist/test/native ] || npm run build:typescript

export VMCORE_PREBUILD="$PWD/build/asan"
export VMCORE_SANITIZED=1
# SIGBUS is the addon's own: its tests check how the process ends.
export ASAN_OPTIONS=detect_leaks=0:handle_sigbus=0:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1
runtime=$("${CXX:-g++}" -print-file-name=libasan.so)
status=0
# The preload is for the test programs alone, not for the runner.
for test in dist/test/native/*.test.js; do
  log=build/asan/$(basename "$test").log
  if LD_PRELOAD=$runtime node "$test" > "$log" 2>&1; then
    echo "ok $test: $(grep '^# {' "$log")"
  else
    cat "$log"
    echo "not ok $test"
    status=1
  fi
done
exit $status
