#include "check.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>

namespace vmcore {

namespace {

// The names of what mmap(2), munmap(2) and pread(2) report, devices and network file systems included.
// glibc has strerrorname_np() only since 2.32, which RHEL 8 (2.28) lacks.
const char* ErrorName(int error) {
  switch (error) {
#define VMCORE_NAME(name) \
  case name:              \
    return #name;
    VMCORE_NAME(EPERM)
    VMCORE_NAME(ENOENT)
    VMCORE_NAME(EINTR)
    VMCORE_NAME(EIO)
    VMCORE_NAME(ENXIO)
    VMCORE_NAME(EBADF)
    VMCORE_NAME(EAGAIN)
    VMCORE_NAME(ENOMEM)
    VMCORE_NAME(EACCES)
    VMCORE_NAME(EFAULT)
    VMCORE_NAME(EBUSY)
    VMCORE_NAME(EEXIST)
    VMCORE_NAME(ENODEV)
    VMCORE_NAME(EISDIR)
    VMCORE_NAME(EINVAL)
    VMCORE_NAME(ENFILE)
    VMCORE_NAME(ETXTBSY)
    VMCORE_NAME(ENOSPC)
    VMCORE_NAME(ESPIPE)
    VMCORE_NAME(ENOSYS)
    VMCORE_NAME(ENODATA)
    VMCORE_NAME(EOVERFLOW)
    VMCORE_NAME(EOPNOTSUPP)
    VMCORE_NAME(ENOTCONN)
    VMCORE_NAME(ETIMEDOUT)
    VMCORE_NAME(EHOSTDOWN)
    VMCORE_NAME(ESTALE)
    VMCORE_NAME(EREMOTEIO)
    VMCORE_NAME(EHWPOISON)
#undef VMCORE_NAME
    default:
      return "UNKNOWN";
  }
}

}  // namespace

size_t PageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

Napi::Error RangeFailure(Napi::Env env, const char* message) { return Napi::RangeError::New(env, message); }

uint64_t IntegerArgument(const Napi::CallbackInfo& info, size_t index, const char* name, double max) {
  const Napi::Value value = info[index];
  if (!value.IsNumber()) {
    throw Napi::TypeError::New(info.Env(), std::string(name) + " is not a number");
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails too.
  if (!(number >= 0 && number <= max) || std::trunc(number) != number) {
    throw Napi::RangeError::New(info.Env(), std::string(name) + " is not an integer from 0 to " +
                                                std::to_string(static_cast<uint64_t>(max)));
  }
  return static_cast<uint64_t>(number);
}

uint64_t PageAlignedArgument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const uint64_t value = IntegerArgument(info, index, name);
  if (value % PageSize() != 0) {
    throw Napi::RangeError::New(info.Env(), std::string(name) + " is not a multiple of the page size");
  }
  return value;
}

Bytes TypedArrayArgument(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type expected,
                         const char* complaint) {
  const Napi::Value value = info[index];
  if (!value.IsTypedArray()) throw Napi::TypeError::New(info.Env(), complaint);
  napi_typedarray_type type;
  size_t elements;
  void* data;
  if (napi_get_typedarray_info(info.Env(), value, &type, &elements, &data, nullptr, nullptr) != napi_ok) {
    throw Napi::Error::New(info.Env());
  }
  if (type != expected) throw Napi::TypeError::New(info.Env(), complaint);
  return {static_cast<char*>(data), elements};
}

Napi::Error CodedError(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

Napi::Error SystemError(Napi::Env env, int error, const char* syscall) {
  const char* name = ErrorName(error);
  const std::string message = std::string(name) + ": " + std::strerror(error) + ", " + syscall;
  Napi::Error thrown = CodedError(env, name, message);
  thrown.Set("errno", Napi::Number::New(env, error));
  thrown.Set("syscall", Napi::String::New(env, syscall));
  return thrown;
}

}  // namespace vmcore
