#pragma once

#include <cstdint>

namespace vmcore {

// 'tsc', 'stckf' or 'clock'
extern const char* const kClockName;

// The counter, serialised against the loads before and after it.
uint64_t Cycles();

}  // namespace vmcore
