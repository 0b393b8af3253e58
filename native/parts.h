// Bytes that are wanted with gaps between them, one after another (Int32Array of lengths in JavaScript).
#pragma once

#include <napi.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <vector>

namespace vmcore {

struct Parts {
  // In bytes: wanted, left out, wanted, and so on. A copy: nobody changes it once it was checked.
  std::vector<uint32_t> lengths;
  uint64_t wanted = 0;
  uint64_t span = 0;  // the wanted ones and the gaps

  // Moves what is wanted of the bytes at `from`, which begin with the wanted part `first`, to `into`, which is `from` or
  // lies elsewhere.
  void Pack(const char* from, char* into, size_t first = 0) const;
};

// Argument `index` as an Int32Array and the next one as the number of its elements that count. Throws TypeError, and
// RangeError for lengths below 0 or more elements than there are.
Parts PartsArgument(const Napi::CallbackInfo& info, size_t index);

// What one preadv(2) of parts fills, in a buffer as long as their span: wanted bytes one after another from its beginning
// on, and behind them the gaps, over each other. Parts for which there are no vectors are read as they lie in the file.
class PartVectors {
 public:
  PartVectors(const Parts& parts, char* into);

  const iovec* items() const { return items_.data(); }
  int count() const { return static_cast<int>(count_); }

  // To be called after all of them were filled.
  void PackRest(const Parts& parts) const { parts.Pack(rest_, rest_, first_of_rest_); }

 private:
  // UIO_MAXIOV (include/uapi/linux/uio.h): preadv(2) takes no more.
  static constexpr size_t kMost = 1024;

  std::array<iovec, kMost> items_;
  size_t count_ = 0;
  size_t first_of_rest_;
  char* rest_;
};

}  // namespace vmcore
