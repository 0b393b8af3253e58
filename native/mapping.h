// The memory of a region and its windows. It outlives the JavaScript object of the region while windows are left.
#pragma once

#include <napi.h>

#include "counters.h"
#include "list.h"
#include "sigbus.h"

namespace vmcore {

class Mapping;

// An ArrayBuffer over a part of a mapping; freed by the finalizer of its memory.
struct Window : Link {
  Mapping* mapping = nullptr;  // null once nothing of the mapping can be read through this window
  napi_ref buffer = nullptr;   // weak
};

class Mapping : public Link {
 public:
  // mmap(2). Throws a system error.
  static Mapping* Create(Napi::Env env, const SourceShare& source, uint64_t position, size_t length, bool populate);

  // Bytes mapped now in the process.
  static uint64_t ProcessBytes();

  Napi::Value CreateWindow(Napi::Env env, size_t offset, size_t length);

  // Detaches the windows and unmaps, at once or when the last finalizer of a window ran that could not be detached.
  void Unmap(Napi::Env env);

  // The region object is gone: unmaps and deletes as soon as there are no windows.
  void Disown();

  // The environment ends: detaches the windows and unmaps. Where a window could not be detached another thread may
  // have its memory, and no finalizer will tell when it is done: zeros stay there for good.
  void Abandon(Napi::Env env);

  bool Unmapped() const { return released_; }
  bool Faulted() const { return slot_ != nullptr ? RegionFaulted(slot_) : faulted_; }
  const void* address() const { return address_; }
  size_t length() const { return length_; }

 private:
  Mapping(const SourceShare& source, void* address, size_t length);
  ~Mapping() = default;

  static void FinalizeWindow(napi_env env, void* data, void* hint);
  void DropWindow(Window* window);
  void DetachWindows(napi_env env);
  // munmap(2) if nothing keeps the memory. Returns the errno, 0 for none.
  int UnmapIfUnused();
  int Release();
  void DeleteIfUnused();

  const SourceShare source_;
  void* const address_;
  const size_t length_;
  RegionSlot* slot_;
  Link windows_;
  bool mapped_ = true;
  bool owned_ = true;      // a region object refers to it
  bool released_ = false;  // nobody will ask for a window any more
  bool escaped_ = false;   // the address range may never be used for something else
  bool faulted_ = false;  // kept from the slot after it was unregistered
};

}  // namespace vmcore
