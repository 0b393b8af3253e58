#include "source.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "check.h"
#include "mapping.h"
#include "parts.h"
#include "region.h"
#include "sigbus.h"

namespace vmcore {

namespace {

// Elements of CounterIndex in types/native.d.ts.
constexpr size_t kCounters = 11;
static_assert(sizeof(Counters) == kCounters * sizeof(uint64_t), "counters.h and CounterIndex differ");

}  // namespace

Napi::Function Source::Define(Napi::Env env) {
  return DefineClass(env, "NativeSource",
                     {
                         InstanceMethod<&Source::Pread>("pread"),
                         InstanceMethod<&Source::Gather>("gather"),
                         InstanceMethod<&Source::Map>("map"),
                         InstanceMethod<&Source::ReadCounters>("counters"),
                     });
}

Source::Source(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Source>(info),
      state_(static_cast<int>(IntegerArgument(info, 0, "fd", std::numeric_limits<int>::max()))) {}

template <typename Read>
uint64_t Source::Counted(Napi::Env env, const char* name, const Read& read) {
  Counters& counters = state_->counters;
  for (;;) {
    counters.preads++;
    const ssize_t done = read();
    if (done >= 0) {
      counters.pread_bytes += static_cast<uint64_t>(done);
      return static_cast<uint64_t>(done);
    }
    const int error = errno;
    counters.pread_errors++;
    if (error != EINTR) throw SystemError(env, error, name);
  }
}

Napi::Value Source::Pread(const Napi::CallbackInfo& info) {
  const Bytes into = TypedArrayArgument(info, 0, napi_uint8_array, "into is not a Uint8Array");
  const uint64_t offset = IntegerArgument(info, 1, "offset");
  const uint64_t length = IntegerArgument(info, 2, "length");
  const uint64_t position = IntegerArgument(info, 3, "position");
  if (offset > into.length || length > into.length - offset) {
    throw RangeFailure(info.Env(), "offset and length do not lie in the array");
  }
  char* const target = into.data + offset;
  if (OverlapsRegion(target, length)) throw RangeFailure(info.Env(), "into is a window: it is read-only");

  const auto read = [&] { return pread(state_->fd, target, length, static_cast<off_t>(position)); };
  return Napi::Number::New(info.Env(), static_cast<double>(Counted(info.Env(), "pread", read)));
}

Napi::Value Source::Gather(const Napi::CallbackInfo& info) {
  const uint64_t position = IntegerArgument(info, 0, "position");
  const Parts parts = PartsArgument(info, 1);
  const Bytes into = TypedArrayArgument(info, 3, napi_uint8_array, "into is not a Uint8Array");
  if (parts.span > into.length) throw RangeFailure(info.Env(), "into is shorter than the parts with their gaps");
  if (OverlapsRegion(into.data, parts.span)) throw RangeFailure(info.Env(), "into is a window: it is read-only");

  const PartVectors vectors(parts, into.data);
  const auto read = [&] {
    return preadv(state_->fd, vectors.items(), vectors.count(), static_cast<off_t>(position));
  };
  const bool whole = Counted(info.Env(), "preadv", read) == parts.span;
  if (whole) vectors.PackRest(parts);
  return Napi::Boolean::New(info.Env(), whole);
}

Napi::Value Source::Map(const Napi::CallbackInfo& info) {
  const uint64_t position = PageAlignedArgument(info, 0, "position");
  const uint64_t length = PageAlignedArgument(info, 1, "length");
  if (length == 0) throw RangeFailure(info.Env(), "length is 0");
  const Napi::Value populate = info[2];
  if (!populate.IsUndefined() && !populate.IsBoolean()) {
    throw Napi::TypeError::New(info.Env(), "populate is not a boolean");
  }
  const bool eager = populate.IsBoolean() && populate.As<Napi::Boolean>().Value();
  return Region::New(info.Env(), Mapping::Create(info.Env(), state_, position, length, eager));
}

void Source::ReadCounters(const Napi::CallbackInfo& info) {
  const Bytes into = TypedArrayArgument(info, 0, napi_float64_array, "into is not a Float64Array");
  if (into.length < kCounters) throw RangeFailure(info.Env(), "into has fewer than 11 elements");
  if (OverlapsRegion(into.data, kCounters * sizeof(double))) {
    throw RangeFailure(info.Env(), "into is a window: it is read-only");
  }
  const Counters& counters = state_->counters;
  const uint64_t values[kCounters] = {
      counters.maps,         counters.map_bytes,   counters.map_errors,        //
      counters.unmaps,       counters.unmap_bytes, counters.unmap_errors,      //
      counters.preads,       counters.pread_bytes, counters.pread_errors,      //
      counters.mapped,       counters.mapped_high_water,
  };
  double* const target = reinterpret_cast<double*>(into.data);
  for (size_t i = 0; i < kCounters; i++) target[i] = static_cast<double>(values[i]);
}

}  // namespace vmcore
