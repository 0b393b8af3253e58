// The zlib that this process has anyway (NativeDeflater in types/native.d.ts).
#pragma once

#include <napi.h>

namespace vmcore {

struct ZStream;

class Deflater : public Napi::ObjectWrap<Deflater> {
 public:
  static Napi::Function Define(Napi::Env env);

  // Its version; null where the process exports no zlib.
  static const char* ZlibVersion();

  explicit Deflater(const Napi::CallbackInfo& info);
  ~Deflater() override;

 private:
  Napi::Value Compress(const Napi::CallbackInfo& info);

  ZStream* stream_ = nullptr;
};

}  // namespace vmcore
