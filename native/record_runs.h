#pragma once

#include <napi.h>

namespace vmcore {

// Native.recordRuns in types/native.d.ts.
Napi::Value RecordRuns(const Napi::CallbackInfo& info);

}  // namespace vmcore
