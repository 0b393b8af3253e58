#include "parts.h"

#include <cstring>
#include <limits>

#include "check.h"

namespace vmcore {

void Parts::Pack(const char* from, char* into, size_t first) const {
  for (size_t i = first; i < lengths.size(); i++) {
    const size_t length = lengths[i];
    if (i % 2 == 0) {
      std::memmove(into, from, length);
      into += length;
    }
    from += length;
  }
}

Parts PartsArgument(const Napi::CallbackInfo& info, size_t index) {
  const Bytes array = TypedArrayArgument(info, index, napi_int32_array, "parts is not an Int32Array");
  const uint64_t count = IntegerArgument(info, index + 1, "count");
  if (count > array.length) throw RangeFailure(info.Env(), "there are not so many parts");
  const auto* const lengths = reinterpret_cast<const uint32_t*>(array.data);
  Parts parts;
  parts.lengths.assign(lengths, lengths + count);
  for (size_t i = 0; i < count; i++) {
    const uint32_t length = parts.lengths[i];
    if (length > std::numeric_limits<int32_t>::max()) throw RangeFailure(info.Env(), "a part has a length below 0");
    parts.span += length;
    if (i % 2 == 0) parts.wanted += length;
  }
  return parts;
}

PartVectors::PartVectors(const Parts& parts, char* into) {
  first_of_rest_ = parts.lengths.size() <= kMost ? parts.lengths.size() : kMost - 2;
  uint64_t gaps = 0;
  for (size_t i = 1; i < first_of_rest_; i += 2) gaps += parts.lengths[i];
  // Behind the wanted bytes and the rest; together all gaps are as long as what is left there.
  char* const behind = into + (parts.span - gaps);
  for (; count_ < first_of_rest_; count_++) {
    const size_t length = parts.lengths[count_];
    items_[count_] = {count_ % 2 == 0 ? into : behind, length};
    if (count_ % 2 == 0) into += length;
  }
  rest_ = into;
  if (rest_ < behind) items_[count_++] = {rest_, static_cast<size_t>(behind - rest_)};
}

}  // namespace vmcore
