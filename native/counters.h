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

// An open descriptor and its counters.
struct SourceState {
  const int fd;
  Counters counters;
};

// A share in the state of a source: mappings may outlive its JavaScript object. All on one thread. std::shared_ptr
// would need symbols that RHEL 8 lacks.
class SourceShare {
 public:
  explicit SourceShare(int fd) : held_(new Held{{fd, {}}, 1}) {}
  SourceShare(const SourceShare& other) : held_(other.held_) { held_->shares++; }
  SourceShare& operator=(const SourceShare&) = delete;
  ~SourceShare() {
    if (--held_->shares == 0) delete held_;
  }

  SourceState* operator->() const { return &held_->state; }

 private:
  struct Held {
    SourceState state;
    uint64_t shares;
  };
  Held* const held_;
};

}  // namespace vmcore
