#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace vmcore {

// Puts pages of zeros in the place of what is mapped at `start`. They take no memory until they are read, and then a
// page that all share. False when there are as many mappings as vm.max_map_count allows.
inline bool MapZeros(void* start, size_t length) {
  return mmap(start, length, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == start;
}

}  // namespace vmcore
