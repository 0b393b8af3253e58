// What the first load of a cache line costs, and what the next one does.
#include "touch.h"

#include <cstdint>

#include "check.h"
#include "clock.h"
#include "sigbus.h"

namespace vmcore {

namespace {

// Elements of TouchIndex in types/native.d.ts.
constexpr size_t kReadings = 5;

// Cycles that a load in every line of [from, to) took. Volatile, or the compiler would leave them out.
double TimeLoads(const volatile char* from, const volatile char* to) {
  const uint64_t start = Cycles();
  for (; from < to; from += kLineSize) *from;
  return static_cast<double>(Cycles() - start);
}

void TouchPage(const char* page, size_t size, double* readings) {
  const char* const second = page + kLineSize;
  const char* const end = page + size;
  readings[0] = TimeLoads(page, page);
  readings[1] = TimeLoads(page, second);
  readings[2] = TimeLoads(second, end);
  readings[3] = TimeLoads(page, second);
  readings[4] = TimeLoads(second, end);
}

}  // namespace

Napi::Value Touch(const Napi::CallbackInfo& info) {
  const Bytes bytes = TypedArrayArgument(info, 0, napi_uint8_array, "bytes is not a Uint8Array");
  const Bytes into = TypedArrayArgument(info, 1, napi_float64_array, "into is not a Float64Array");
  const size_t page_size = PageSize();
  const size_t pages = bytes.length / page_size;
  if (into.length / kReadings < pages) throw RangeFailure(info.Env(), "into has fewer than 5 elements for each page");
  if (OverlapsRegion(into.data, into.length * sizeof(double))) {
    throw RangeFailure(info.Env(), "into is a window: it is read-only");
  }
  double* readings = reinterpret_cast<double*>(into.data);
  for (size_t i = 0; i < pages; i++, readings += kReadings) TouchPage(bytes.data + i * page_size, page_size, readings);
  return Napi::Number::New(info.Env(), static_cast<double>(pages));
}

}  // namespace vmcore
