// The JavaScript object of a region (NativeRegion in types/native.d.ts).
#pragma once

#include <napi.h>

#include "mapping.h"

namespace vmcore {

class Region : public Napi::ObjectWrap<Region> {
 public:
  static Napi::Function Define(Napi::Env env);

  // A region over `mapping`, which it owns from now on, also when this throws.
  static Napi::Value New(Napi::Env env, Mapping* mapping);

  explicit Region(const Napi::CallbackInfo& info);
  ~Region() override;

 private:
  // The mapping of the receiver of a getter. Throws TypeError when that is no region: unlike methods, getters may be
  // called on any object.
  static const Mapping& MappingOf(const Napi::CallbackInfo& info);
  static Napi::Value GetLength(const Napi::CallbackInfo& info);
  static Napi::Value GetAddress(const Napi::CallbackInfo& info);
  static Napi::Value GetFaulted(const Napi::CallbackInfo& info);
  Napi::Value CreateWindow(const Napi::CallbackInfo& info);
  void Gather(const Napi::CallbackInfo& info);
  void Unmap(const Napi::CallbackInfo& info);

  Mapping* mapping_ = nullptr;
};

}  // namespace vmcore
