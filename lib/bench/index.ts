/**
 * Measure how a core is reached: the calls that mapping and reading make, what the first touch of a page costs, and
 * what a copy does. What the benchmarks of this package print is measured by these.
 * @module
 */
export type { AccessCounters } from '../access/counters.ts';
export type { AccessPolicy } from '../access/slots.ts';
export { type CopyCost, type CopyReport, measureCopies } from './copy-cost.ts';
export {
  type FirstTouchOptions,
  type FirstTouchReport,
  measureFirstTouch,
  type TouchedPages,
  type TouchOrder,
} from './first-touch.ts';
export { type Accel, describeMachine, type Machine } from './machine.ts';
export {
  type AccessReport,
  type AccessRun,
  type MeasureAccessOptions,
  measureAccess,
  type Times,
} from './measure-access.ts';
export type { RawCoreOptions, ReachWay } from './raw-core.ts';
export { measureSlotHits, type SlotHitCost, type SlotHitReport } from './slot-hits.ts';
export { type Distribution, distribution, HISTOGRAM_RATIO, median } from './statistics.ts';
