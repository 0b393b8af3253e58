#include "clock.h"

#if defined(__x86_64__)

#include <x86intrin.h>

namespace vmcore {

const char* const kClockName = "tsc";

uint64_t Cycles() {
  // RDTSCP waits for the loads before it, LFENCE holds back those after it (Intel SDM vol. 2B, RDTSCP).
  unsigned int processor;
  const uint64_t cycles = __rdtscp(&processor);
  _mm_lfence();
  return cycles;
}

}  // namespace vmcore

#elif defined(__s390x__)

namespace vmcore {

const char* const kClockName = "stckf";

uint64_t Cycles() {
  // STORE CLOCK FAST counts units of 2^-12 us and does not serialise; BCR 15,0 does (z/Architecture Principles of
  // Operation, "CPU serialization").
  uint64_t clock;
  __asm__ volatile(
      "bcr 15,0\n\t"
      "stckf %0\n\t"
      "bcr 15,0"
      : "=Q"(clock)
      :
      : "cc", "memory");
  return clock;
}

}  // namespace vmcore

#else

#include <time.h>

namespace vmcore {

const char* const kClockName = "clock";

uint64_t Cycles() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace vmcore

#endif
