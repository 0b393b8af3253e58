// node:zlib allocates for each call, which costs a third of what a page takes. Official builds of Node.js export the
// zlib that they contain, others load the system's. The references are weak: the loader binds them to either, or leaves
// them null. (dlsym() would do the same, but has a version that RHEL 8 lacks.)
#include "deflate.h"

#include <memory>
#include <string>

#include "check.h"
#include "sigbus.h"

namespace vmcore {

// z_stream of zlib.h, the same since zlib 1.0: deflateInit2_() is told its size and refuses another one. Declared here,
// because headers of Node.js builds that link the system's zlib have no zlib.h.
struct ZStream {
  const unsigned char* next_in;
  unsigned int avail_in;
  unsigned long total_in;
  unsigned char* next_out;
  unsigned int avail_out;
  unsigned long total_out;
  const char* msg;
  void* state;
  void* zalloc;
  void* zfree;
  void* opaque;
  int data_type;
  unsigned long adler;
  unsigned long reserved;
};

// zlib.h
extern "C" {
[[gnu::weak]] int deflateInit2_(ZStream*, int level, int method, int window_bits, int memory_level, int strategy,
                                const char* version, int stream_size);
[[gnu::weak]] int deflate(ZStream*, int flush);
[[gnu::weak]] int deflateReset(ZStream*);
[[gnu::weak]] int deflateEnd(ZStream*);
[[gnu::weak]] const char* zlibVersion();
}

namespace {

// zlib.h
constexpr int kOk = 0;
constexpr int kStreamEnd = 1;
constexpr int kFinish = 4;
constexpr int kDeflated = 8;
constexpr int kDefaultStrategy = 0;
// As node:zlib has them: the largest window, and the memory level that deflateInit() takes (DEF_MEM_LEVEL).
constexpr int kWindowBits = 15;
constexpr int kMemoryLevel = 8;
constexpr double kHighestLevel = 9;

}  // namespace

Napi::Function Deflater::Define(Napi::Env env) {
  return DefineClass(env, "NativeDeflater", {InstanceMethod<&Deflater::Compress>("compress")});
}

const char* Deflater::ZlibVersion() {
  const bool complete = deflateInit2_ && deflate && deflateReset && deflateEnd && zlibVersion;
  return complete ? zlibVersion() : nullptr;
}

Deflater::Deflater(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Deflater>(info) {
  const int level = static_cast<int>(IntegerArgument(info, 0, "level", kHighestLevel));
  if (ZlibVersion() == nullptr) throw Napi::Error::New(info.Env(), "This process exports no zlib");
  std::unique_ptr<ZStream> stream(new ZStream{});
  const int status = deflateInit2_(stream.get(), level, kDeflated, kWindowBits, kMemoryLevel, kDefaultStrategy,
                                   zlibVersion(), sizeof(ZStream));
  if (status != kOk) throw Napi::Error::New(info.Env(), "deflateInit2: " + std::to_string(status));
  stream_ = stream.release();
}

Deflater::~Deflater() {
  if (stream_ == nullptr) return;
  deflateEnd(stream_);
  delete stream_;
}

Napi::Value Deflater::Compress(const Napi::CallbackInfo& info) {
  const Bytes from = TypedArrayArgument(info, 0, napi_uint8_array, "from is not a Uint8Array");
  const Bytes into = TypedArrayArgument(info, 1, napi_uint8_array, "into is not a Uint8Array");
  constexpr size_t kMost = 1 << 30;
  if (from.length > kMost || into.length > kMost) throw RangeFailure(info.Env(), "more than 1 GiB at once");
  if (OverlapsRegion(into.data, into.length)) throw RangeFailure(info.Env(), "into is a window: it is read-only");
  stream_->next_in = reinterpret_cast<unsigned char*>(from.data);
  stream_->avail_in = static_cast<unsigned int>(from.length);
  stream_->next_out = reinterpret_cast<unsigned char*>(into.data);
  stream_->avail_out = static_cast<unsigned int>(into.length);
  const int status = deflate(stream_, kFinish);
  const size_t size = into.length - stream_->avail_out;
  if (deflateReset(stream_) != kOk) throw Napi::Error::New(info.Env(), "deflateReset failed");
  // Anything else than the end is that `into` is full.
  return Napi::Number::New(info.Env(), status == kStreamEnd ? static_cast<double>(size) : 0);
}

}  // namespace vmcore
