#pragma once

#include <napi.h>

namespace vmcore {

// Bytes of a cache line.
#if defined(__s390x__)
constexpr size_t kLineSize = 256;
#else
constexpr size_t kLineSize = 64;
#endif

// Native.touch in types/native.d.ts.
Napi::Value Touch(const Napi::CallbackInfo& info);

}  // namespace vmcore
