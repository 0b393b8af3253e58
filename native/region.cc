#include "region.h"

#include <cstdint>
#include <utility>

#include "check.h"
#include "env.h"

namespace vmcore {

namespace {

// Larger external buffers make V8 collect the whole heap: it counts their bytes as its own.
constexpr double kMaxWindow = 16 * 1024 * 1024;

}  // namespace

Napi::Function Region::Define(Napi::Env env) {
  return DefineClass(env, "NativeRegion",
                     {
                         InstanceAccessor<&Region::GetLength>("length", napi_enumerable),
                         InstanceAccessor<&Region::GetAddress>("address", napi_enumerable),
                         InstanceAccessor<&Region::GetFaulted>("faulted", napi_enumerable),
                         InstanceMethod<&Region::CreateWindow>("window"),
                         InstanceMethod<&Region::Unmap>("unmap"),
                     });
}

Napi::Value Region::New(Napi::Env env, Mapping* mapping) {
  EnvState* const state = EnvState::Of(env);
  state->mappings.Append(*mapping);
  state->mapping_of_new_region = mapping;
  try {
    return state->region_class.New({});
  } catch (...) {
    Mapping* const left = std::exchange(state->mapping_of_new_region, nullptr);
    if (left != nullptr) left->Disown();
    throw;
  }
}

Region::Region(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Region>(info),
      mapping_(std::exchange(EnvState::Of(info.Env())->mapping_of_new_region, nullptr)) {
  if (mapping_ == nullptr) throw Napi::TypeError::New(info.Env(), "A region is made by map() of a source");
}

Region::~Region() {
  if (mapping_ != nullptr) mapping_->Disown();
}

Napi::Value Region::GetLength(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(mapping_->length()));
}

Napi::Value Region::GetAddress(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(reinterpret_cast<uintptr_t>(mapping_->address())));
}

Napi::Value Region::GetFaulted(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), mapping_->Faulted());
}

Napi::Value Region::CreateWindow(const Napi::CallbackInfo& info) {
  const uint64_t offset = IntegerArgument(info, 0, "offset");
  const uint64_t length = IntegerArgument(info, 1, "length", kMaxWindow);
  if (length == 0) throw RangeFailure(info.Env(), "length is 0");
  if (offset > mapping_->length() || length > mapping_->length() - offset) {
    throw RangeFailure(info.Env(), "The window does not lie in the region");
  }
  if (mapping_->Unmapped()) throw CodedError(info.Env(), "ERR_UNMAPPED", "The region was unmapped");
  return mapping_->CreateWindow(info.Env(), offset, length);
}

void Region::Unmap(const Napi::CallbackInfo& info) { mapping_->Unmap(info.Env()); }

}  // namespace vmcore
