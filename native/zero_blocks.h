// Blocks of zeros (Native.zeroBlocks in types/native.d.ts).
#pragma once

#include <napi.h>

namespace vmcore {

Napi::Value ZeroBlocks(const Napi::CallbackInfo& info);

}  // namespace vmcore
