#include "region.h"

#include <cstdint>
#include <utility>

#include "check.h"
#include "env.h"
#include "parts.h"
#include "sigbus.h"

namespace vmcore {

namespace {

// Larger external buffers make V8 collect the whole heap: it counts their bytes as its own.
constexpr double kMaxWindow = 16 * 1024 * 1024;

// Any 128 bits that no other addon has.
constexpr napi_type_tag kRegionTag = {0x5c1d4e1fb7a9423e, 0x9b0e6f2a8d3c7715};

template <Napi::PropertyDescriptor::GetterCallback callback>
Napi::PropertyDescriptor Getter(const char* name) {
  return Napi::PropertyDescriptor::Accessor<callback>(name, napi_enumerable);
}

}  // namespace

Napi::Function Region::Define(Napi::Env env) {
  return DefineClass(env, "NativeRegion",
                     {
                         PropertyDescriptor(Getter<&Region::GetLength>("length")),
                         PropertyDescriptor(Getter<&Region::GetAddress>("address")),
                         PropertyDescriptor(Getter<&Region::GetFaulted>("faulted")),
                         InstanceMethod<&Region::CreateWindow>("window"),
                         InstanceMethod<&Region::Gather>("gather"),
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

Region::Region(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Region>(info) {
  EnvState* const state = EnvState::Of(info.Env());
  if (state->mapping_of_new_region == nullptr) {
    throw Napi::TypeError::New(info.Env(), "A region is made by map() of a source");
  }
  // Last, because there is no destructor for what throws here.
  info.This().As<Napi::Object>().TypeTag(&kRegionTag);
  mapping_ = std::exchange(state->mapping_of_new_region, nullptr);
}

Region::~Region() {
  if (mapping_ != nullptr) mapping_->Disown();
}

const Mapping& Region::MappingOf(const Napi::CallbackInfo& info) {
  const Napi::Value receiver = info.This();
  if (!receiver.IsObject() || !receiver.As<Napi::Object>().CheckTypeTag(&kRegionTag)) {
    throw Napi::TypeError::New(info.Env(), "The receiver is not a region");
  }
  return *Unwrap(receiver.As<Napi::Object>())->mapping_;
}

Napi::Value Region::GetLength(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(MappingOf(info).length()));
}

Napi::Value Region::GetAddress(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(reinterpret_cast<uintptr_t>(MappingOf(info).address())));
}

Napi::Value Region::GetFaulted(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), MappingOf(info).Faulted());
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

void Region::Gather(const Napi::CallbackInfo& info) {
  const uint64_t offset = IntegerArgument(info, 0, "offset");
  const Parts parts = PartsArgument(info, 1);
  const Bytes into = TypedArrayArgument(info, 3, napi_uint8_array, "into is not a Uint8Array");
  if (offset > mapping_->length() || parts.span > mapping_->length() - offset) {
    throw RangeFailure(info.Env(), "The parts do not lie in the region");
  }
  if (parts.wanted > into.length) throw RangeFailure(info.Env(), "into is shorter than the parts");
  if (mapping_->Unmapped()) throw CodedError(info.Env(), "ERR_UNMAPPED", "The region was unmapped");
  if (OverlapsRegion(into.data, parts.wanted)) throw RangeFailure(info.Env(), "into is a window: it is read-only");
  parts.Pack(static_cast<const char*>(mapping_->address()) + offset, into.data);
}

void Region::Unmap(const Napi::CallbackInfo& info) { mapping_->Unmap(info.Env()); }

}  // namespace vmcore
