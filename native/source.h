// The JavaScript object of a source (NativeSource in types/native.d.ts).
#pragma once

#include <napi.h>

#include "counters.h"

namespace vmcore {

class Source : public Napi::ObjectWrap<Source> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit Source(const Napi::CallbackInfo& info);

 private:
  Napi::Value Pread(const Napi::CallbackInfo& info);
  Napi::Value Gather(const Napi::CallbackInfo& info);
  Napi::Value Map(const Napi::CallbackInfo& info);
  void ReadCounters(const Napi::CallbackInfo& info);

  // Counts a call that reads, and makes it again when a signal interrupted it. Returns the bytes that it read; throws a
  // system error.
  template <typename Read>
  uint64_t Counted(Napi::Env env, const char* name, const Read& read);

  SourceShare state_;
};

}  // namespace vmcore
