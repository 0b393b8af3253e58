// Errors made on purpose: test/native/sanitizer.test.ts checks that the sanitizers report them.
#include <napi.h>

#include <climits>

namespace {

Napi::Value UseAfterFree(const Napi::CallbackInfo& info) {
  int* volatile freed = new int(1);
  delete freed;
  return Napi::Number::New(info.Env(), *freed);
}

Napi::Value Overflow(const Napi::CallbackInfo& info) {
  volatile int most = INT_MAX;
  return Napi::Number::New(info.Env(), most + 1);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("useAfterFree", Napi::Function::New(env, UseAfterFree));
  exports.Set("overflow", Napi::Function::New(env, Overflow));
  return exports;
}

NODE_API_MODULE(probe, Init)

}  // namespace
