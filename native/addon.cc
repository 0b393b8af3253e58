// The addon's exports (Native in types/native.d.ts).
#include <napi.h>

#include "check.h"
#include "clock.h"
#include "deflate.h"
#include "env.h"
#include "mapping.h"
#include "record_runs.h"
#include "region.h"
#include "source.h"
#include "touch.h"
#include "zero_blocks.h"

namespace vmcore {

namespace {

Napi::Value NewSource(const Napi::CallbackInfo& info) {
  return EnvState::Of(info.Env())->source_class.New({info[0]});
}

Napi::Value NewDeflater(const Napi::CallbackInfo& info) {
  return EnvState::Of(info.Env())->deflater_class.New({info[0]});
}

Napi::Value MappedBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Mapping::ProcessBytes()));
}

Napi::Value ReadCycles(const Napi::CallbackInfo& info) {
  // A counter of a machine that is up for a month passes 2^53: differences are what it is for.
  constexpr uint64_t kExactInDouble = (uint64_t{1} << 53) - 1;
  return Napi::Number::New(info.Env(), static_cast<double>(Cycles() & kExactInDouble));
}

// V8 compiles loops over typed arrays in the belief that no ArrayBuffer is ever detached; the first one that is ends
// that, and all such code is thrown away, with what is being compiled then. Windows are detached in the middle of the
// first loop over struct pages, so it happens here, before anything is compiled
// (v8/src/execution/protectors.h: ArrayBufferDetaching).
void DetachOneArrayBuffer(Napi::Env env) { Napi::ArrayBuffer::New(env, 1).Detach(); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  DetachOneArrayBuffer(env);
  EnvState* const state = new EnvState;
  env.SetInstanceData(state);
  state->source_class = Napi::Persistent(Source::Define(env));
  state->region_class = Napi::Persistent(Region::Define(env));
  state->deflater_class = Napi::Persistent(Deflater::Define(env));
  exports.Set("source", Napi::Function::New<NewSource>(env, "source"));
  exports.Set("deflater", Napi::Function::New<NewDeflater>(env, "deflater"));
  const char* const zlib = Deflater::ZlibVersion();
  if (zlib != nullptr) exports.Set("zlibVersion", Napi::String::New(env, zlib));
  exports.Set("mappedBytes", Napi::Function::New<MappedBytes>(env, "mappedBytes"));
  exports.Set("cycles", Napi::Function::New<ReadCycles>(env, "cycles"));
  exports.Set("recordRuns", Napi::Function::New<RecordRuns>(env, "recordRuns"));
  exports.Set("zeroBlocks", Napi::Function::New<ZeroBlocks>(env, "zeroBlocks"));
  exports.Set("touch", Napi::Function::New<Touch>(env, "touch"));
  exports.Set("pageSize", Napi::Number::New(env, static_cast<double>(PageSize())));
  exports.Set("lineSize", Napi::Number::New(env, static_cast<double>(kLineSize)));
  exports.Set("clock", Napi::String::New(env, kClockName));
  return exports;
}

}  // namespace

NODE_API_MODULE(vmcore, Init)

}  // namespace vmcore
