#include "zero_blocks.h"

#include <cstdint>
#include <cstring>

#include "check.h"
#include "sigbus.h"

namespace vmcore {

namespace {

// A look at both ends settles it for nearly every block with data. A block that begins with a zero and is the same one
// byte later has nothing but zeros.
bool IsZero(const char* block, size_t size) {
  return block[0] == 0 && block[size - 1] == 0 && std::memcmp(block, block + 1, size - 1) == 0;
}

}  // namespace

Napi::Value ZeroBlocks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Bytes bytes = TypedArrayArgument(info, 0, napi_uint8_array, "bytes is not a Uint8Array");
  const uint64_t size = IntegerArgument(info, 1, "blockSize");
  const Bytes into = TypedArrayArgument(info, 2, napi_uint8_array, "into is not a Uint8Array");
  if (size == 0) throw RangeFailure(env, "blockSize is 0");
  const size_t blocks = bytes.length / size;
  if (into.length < blocks) throw RangeFailure(env, "into has fewer elements than there are blocks");
  if (OverlapsRegion(into.data, blocks)) throw RangeFailure(env, "into is a window: it is read-only");
  uint32_t zeros = 0;
  for (size_t i = 0; i < blocks; i++) {
    const bool zero = IsZero(bytes.data + i * size, size);
    into.data[i] = static_cast<char>(zero);
    zeros += static_cast<uint32_t>(zero);
  }
  return Napi::Number::New(env, zeros);
}

}  // namespace vmcore
