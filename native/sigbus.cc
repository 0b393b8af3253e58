#include "sigbus.h"

#include <signal.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

#include "check.h"
#include "zeros.h"

namespace vmcore {

// One registered region. A slot is never freed, only used again: the handler of another thread may be looking at it.
struct RegionSlot {
  // Odd while start and end change, as in a seqlock. A reader that sees it odd or changed skips the slot; that cannot
  // be the slot it looks for, because nobody unregisters a region that is being read.
  std::atomic<uint64_t> version{0};
  std::atomic<uintptr_t> start{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> faulted{false};
  RegionSlot* next = nullptr;       // fixed once the slot is published
  RegionSlot* next_free = nullptr;  // guarded by registry.writers
};

namespace {

// With the mapped-bytes counter the only state of the process. Trivially destructible: threads outlive exit handlers.
struct Registry {
  std::atomic<RegionSlot*> slots{nullptr};
  std::mutex writers;
  RegionSlot* free = nullptr;
  bool installed = false;
  struct sigaction previous;
};
Registry registry;

static_assert(std::atomic<uintptr_t>::is_always_lock_free, "the handler may take no lock");

struct Range {
  uintptr_t start;
  uintptr_t end;
};

// A stable copy of the slot's range; empty when the slot is unused or just changing.
Range ReadRange(const RegionSlot* slot) {
  const uint64_t before = slot->version.load();
  const Range range{slot->start.load(), slot->end.load()};
  const uint64_t after = slot->version.load();
  return before == after && before % 2 == 0 ? range : Range{0, 0};
}

void WriteRange(RegionSlot* slot, Range range) {
  slot->version.fetch_add(1);
  slot->start.store(range.start);
  slot->end.store(range.end);
  slot->version.fetch_add(1);
}

// The first slot that overlaps [start, end).
RegionSlot* FindSlot(uintptr_t start, uintptr_t end) {
  for (RegionSlot* slot = registry.slots.load(); slot != nullptr; slot = slot->next) {
    const Range range = ReadRange(slot);
    if (start < range.end && end > range.start) return slot;
  }
  return nullptr;
}

// Async-signal-safe: atomics and mmap.
bool Heal(const siginfo_t* info) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  RegionSlot* const slot = FindSlot(address, address + 1);
  if (slot == nullptr) return false;
  slot->faulted.store(true);
  const uintptr_t page = address & ~(static_cast<uintptr_t>(PageSize()) - 1);
  return MapZeros(reinterpret_cast<void*>(page), PageSize());
}

void DieByDefault(const siginfo_t* info) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
  // A fault comes again when the instruction is repeated, with its own address for the core file; a signal that was
  // sent (si_code <= 0) does not.
  if (info->si_code <= 0) raise(SIGBUS);
}

void Chain(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = registry.previous;
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler == SIG_IGN && info->si_code <= 0) {
    // Ignored as before. A fault cannot be ignored: it would repeat for ever.
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    DieByDefault(info);
  } else {
    previous.sa_handler(signal);
  }
}

void OnSigbus(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  // Only the kernel's faults (si_code > 0) have an address.
  if (info->si_code <= 0 || !Heal(info)) Chain(signal, info, context);
  errno = saved;
}

void InstallHandler() {
  PageSize();  // its first call is not for a signal handler
  struct sigaction action = {};
  action.sa_sigaction = OnSigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  // The previous handler is known before ours can run.
  sigaction(SIGBUS, nullptr, &registry.previous);
  sigaction(SIGBUS, &action, nullptr);
}

RegionSlot* TakeSlot() {
  if (registry.free != nullptr) {
    RegionSlot* const slot = registry.free;
    registry.free = slot->next_free;
    return slot;
  }
  RegionSlot* const slot = new RegionSlot;
  slot->next = registry.slots.load();
  registry.slots.store(slot);
  return slot;
}

}  // namespace

RegionSlot* RegisterRegion(const void* address, size_t length) {
  const std::lock_guard<std::mutex> lock(registry.writers);
  if (!registry.installed) {
    InstallHandler();
    registry.installed = true;
  }
  RegionSlot* const slot = TakeSlot();
  slot->faulted.store(false);
  const uintptr_t start = reinterpret_cast<uintptr_t>(address);
  WriteRange(slot, {start, start + length});
  return slot;
}

void UnregisterRegion(RegionSlot* slot) {
  const std::lock_guard<std::mutex> lock(registry.writers);
  WriteRange(slot, {0, 0});
  slot->next_free = registry.free;
  registry.free = slot;
}

bool RegionFaulted(const RegionSlot* slot) { return slot->faulted.load(); }

bool OverlapsRegion(const void* address, size_t length) {
  const uintptr_t start = reinterpret_cast<uintptr_t>(address);
  return length > 0 && FindSlot(start, start + length) != nullptr;
}

}  // namespace vmcore
