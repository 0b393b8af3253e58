// A read of a mapped page that the file no longer has (truncated, device gone) raises SIGBUS. For the regions that are
// registered here the handler puts a page of zeros there and flags the region, so that the process survives. Every
// other SIGBUS goes to the handler that was there before, or kills the process as it would have.
//
// Who installs a handler for SIGBUS later has to call this one for faults that are not its own; process.on('SIGBUS')
// does not, and then a lost page stops the process for good.
#pragma once

#include <cstddef>

namespace vmcore {

struct RegionSlot;

// Registers live memory. The first call of the process installs the handler, in front of the one that is there.
RegionSlot* RegisterRegion(const void* address, size_t length);

// To be called before the memory is unmapped.
void UnregisterRegion(RegionSlot* slot);

// True once a SIGBUS hit the region.
bool RegionFaulted(const RegionSlot* slot);

// True when any byte of the range lies in a registered region.
bool OverlapsRegion(const void* address, size_t length);

}  // namespace vmcore
