// Arguments that come from JavaScript, and errors that go there.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace vmcore {

// Number.MAX_SAFE_INTEGER
constexpr double kMaxSafeInteger = 9007199254740991.0;

// Argument `index` as an integer in [0, max]. Throws TypeError when it is no number, else RangeError.
uint64_t IntegerArgument(const Napi::CallbackInfo& info, size_t index, const char* name,
                         double max = kMaxSafeInteger);

// The same, and a multiple of the page size.
uint64_t PageAlignedArgument(const Napi::CallbackInfo& info, size_t index, const char* name);

// What a typed array covers; also one over a SharedArrayBuffer.
struct Bytes {
  char* data;
  size_t length;  // in elements
};

// Argument `index` as a typed array of type `expected`. Throws TypeError `complaint` when it is something else.
Bytes TypedArrayArgument(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type expected,
                         const char* complaint);

size_t PageSize();

// A RangeError `message`.
Napi::Error RangeFailure(Napi::Env env, const char* message);

// An Error with `code`.
Napi::Error CodedError(Napi::Env env, const char* code, const std::string& message);

// An Error with code, errno and syscall, as Node's own system errors have them.
Napi::Error SystemError(Napi::Env env, int error, const char* syscall);

}  // namespace vmcore
