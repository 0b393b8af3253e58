// What the system calls of one source did. The order is that of CounterIndex in types/native.d.ts.
#pragma once

#include <cstdint>

namespace vmcore {

struct Counters {
  uint64_t maps = 0;
  uint64_t map_bytes = 0;
  uint64_t map_errors = 0;
  uint64_t unmaps = 0;
  uint64_t unmap_bytes = 0;
  uint64_t unmap_errors = 0;
  uint64_t preads = 0;
  uint64_t pread_bytes = 0;
  uint64_t pread_errors = 0;
  uint64_t mapped = 0;
  uint64_t mapped_high_water = 0;
};

// An open descriptor and its counters. Mappings share it, because they may outlive the JavaScript object.
struct SourceState {
  explicit SourceState(int descriptor) : fd(descriptor) {}
  const int fd;
  Counters counters;
};

}  // namespace vmcore
