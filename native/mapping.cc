#include "mapping.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>

#include "check.h"
#include "env.h"
#include "zeros.h"

namespace vmcore {

namespace {

// The page tables behind it are memory of the machine, whichever thread mapped.
std::atomic<uint64_t> process_bytes{0};

// The buffer if it still is the owner of its memory; null when it was detached (transferred away) or collected.
napi_value AttachedBuffer(napi_env env, const Window* window) {
  napi_value buffer = nullptr;
  if (napi_get_reference_value(env, window->buffer, &buffer) != napi_ok || buffer == nullptr) return nullptr;
  bool detached = true;
  if (napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) return nullptr;
  return buffer;
}

}  // namespace

uint64_t Mapping::ProcessBytes() { return process_bytes.load(); }

Mapping* Mapping::Create(Napi::Env env, const SourceShare& source, uint64_t position, size_t length,
                         bool populate) {
  Counters& counters = source->counters;
  counters.maps++;
  const int flags = MAP_PRIVATE | (populate ? MAP_POPULATE : 0);
  void* const address = mmap(nullptr, length, PROT_READ, flags, source->fd, static_cast<off_t>(position));
  if (address == MAP_FAILED) {
    const int error = errno;
    counters.map_errors++;
    throw SystemError(env, error, "mmap");
  }
  counters.map_bytes += length;
  counters.mapped += length;
  if (counters.mapped > counters.mapped_high_water) counters.mapped_high_water = counters.mapped;
  process_bytes.fetch_add(length);
  return new Mapping(source, address, length);
}

Mapping::Mapping(const SourceShare& source, void* address, size_t length)
    : source_(source), address_(address), length_(length), slot_(RegisterRegion(address, length)) {}

Napi::Value Mapping::CreateWindow(Napi::Env env, size_t offset, size_t length) {
  Window* const window = new Window;
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      env, static_cast<char*>(address_) + offset, length, FinalizeWindow, window, &buffer);
  if (status == napi_no_external_buffers_allowed) {
    delete window;
    throw CodedError(env, "ERR_NO_EXTERNAL_BUFFERS", "This runtime allows no ArrayBuffer over memory of its own");
  }
  // Whether the finalizer will run after another failure is not known: the window is left to it, tied to nothing.
  if (status != napi_ok) throw Napi::Error::New(env);
  if (napi_create_reference(env, buffer, 0, &window->buffer) != napi_ok) {
    napi_detach_arraybuffer(env, buffer);
    throw Napi::Error::New(env);
  }
  window->mapping = this;
  windows_.Append(*window);
  return Napi::Value(env, buffer);
}

void Mapping::DropWindow(Window* window) {
  window->Unlink();
  window->mapping = nullptr;
}

void Mapping::FinalizeWindow(napi_env env, void*, void* hint) {
  Window* const window = static_cast<Window*>(hint);
  // When the environment ends Node detaches each buffer and calls its finalizer at once, also when the memory went to
  // another thread. Only now can the other buffers still be told from those that were transferred away.
  if (window->mapping != nullptr && IsEnding(env)) EnvState::Of(env)->AbandonMappings(env);
  Mapping* const mapping = window->mapping;
  if (mapping != nullptr) {
    mapping->DropWindow(window);
    mapping->UnmapIfUnused();
    mapping->DeleteIfUnused();
  }
  if (window->buffer != nullptr) napi_delete_reference(env, window->buffer);
  delete window;
}

// A buffer that was transferred away has handed its memory to another one, which is not known here; one that was
// collected may have done so before. Both are left to the finalizer, which belongs to the memory.
void Mapping::DetachWindows(napi_env env) {
  for (Link* link = windows_.next; link != &windows_;) {
    Window* const window = static_cast<Window*>(link);
    link = link->next;
    const napi_value buffer = AttachedBuffer(env, window);
    if (buffer != nullptr && napi_detach_arraybuffer(env, buffer) == napi_ok) DropWindow(window);
  }
}

void Mapping::Unmap(Napi::Env env) {
  released_ = true;
  DetachWindows(env);
  const int error = UnmapIfUnused();
  if (error != 0) throw SystemError(env, error, "munmap");
}

void Mapping::Disown() {
  owned_ = false;
  released_ = true;
  UnmapIfUnused();
  DeleteIfUnused();
}

void Mapping::Abandon(Napi::Env env) {
  const Napi::HandleScope scope(env);
  released_ = true;
  DetachWindows(env);
  escaped_ = !windows_.Empty();
  while (!windows_.Empty()) DropWindow(static_cast<Window*>(windows_.next));
  UnmapIfUnused();
  DeleteIfUnused();
}

int Mapping::UnmapIfUnused() {
  if (!mapped_ || !released_ || !windows_.Empty()) return 0;
  if (slot_ != nullptr) {
    faulted_ = RegionFaulted(slot_);
    UnregisterRegion(slot_);
    slot_ = nullptr;
  }
  Counters& counters = source_->counters;
  counters.unmaps++;
  const int error = Release();
  if (error != 0) {
    counters.unmap_errors++;
    return error;
  }
  mapped_ = false;
  counters.unmap_bytes += length_;
  counters.mapped -= length_;
  process_bytes.fetch_sub(length_);
  return 0;
}

int Mapping::Release() {
  const bool done = escaped_ ? MapZeros(address_, length_) : munmap(address_, length_) == 0;
  return done ? 0 : errno;
}

void Mapping::DeleteIfUnused() {
  if (owned_ || !windows_.Empty()) return;
  Unlink();
  delete this;
}

}  // namespace vmcore
