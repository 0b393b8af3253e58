// How many calls groups of ranges may make, one after another.
import t from 'tap';
import { CallAllowance } from '../../lib/access/call-allowance.ts';
import type { ReadLimits, WantedRanges } from '../../lib/access/read-plan.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Ranges as [start, end] in MiB. */
function ranges(...list: readonly (readonly [number, number])[]): WantedRanges {
  return {
    count: list.length,
    start: Float64Array.from(list, ([start]) => start * MIB),
    end: Float64Array.from(list, ([, end]) => end * MIB),
  };
}

function allowance(limits: Partial<ReadLimits>): CallAllowance {
  return new CallAllowance({ map: GIB, pread: MIB, ...limits });
}

t.test('without a limit there is none', async (t) => {
  t.equal(allowance({}).of(ranges([0, 1])), Number.POSITIVE_INFINITY);
});

t.test('calls for what is spanned, or for what is wanted where that is more; one map always', async (t) => {
  t.equal(allowance({ callsPerGiB: 64 }).of(ranges([0, 1], [1023, 1024])), 64);
  t.equal(allowance({ callsPerGiB: 64, callsPerWantedGiB: 512 }).of(ranges([0, 128], [1023, 1024])), 64);
  t.equal(allowance({ callsPerGiB: 64, callsPerWantedGiB: 512 }).of(ranges([0, 256], [1023, 1024])), 128);
  t.equal(allowance({ callsPerGiB: 64 }).of(ranges([0, 1])), 2);
});

t.test('what one group does not need is left to the next, and never less than nothing', async (t) => {
  const calls = allowance({ callsPerGiB: 64 });
  t.equal(calls.of(ranges([0, 512])), 32);
  calls.spend(10);
  t.equal(calls.of(ranges([512, 1024])), 22 + 32);
  calls.spend(100);
  t.equal(calls.of(ranges([1024, 1536])), 32);
});

t.test('what lies between groups counts where it is said, once', async (t) => {
  const limits = { callsPerGiB: 64, callsPerSkippedGiB: 64 };
  const calls = allowance(limits);
  t.equal(calls.of(ranges([2048, 2560])), 32, 'nothing before the first');
  calls.spend(32);
  t.equal(calls.of(ranges([3072, 3584])), 64);
  calls.spend(64);
  t.equal(calls.of(ranges([0, 512])), 32, 'memory may go on before it in the file');
  calls.spend(32);
  t.equal(calls.of(ranges([3584, 4096])), 32, 'and behind it');
  calls.spend(32);
  const without = allowance({ callsPerGiB: 64 });
  without.of(ranges([0, 512]));
  without.spend(32);
  t.equal(without.of(ranges([3072, 3584])), 32);
});

t.test('some are there for whoever comes first', async (t) => {
  const calls = allowance({ callsPerGiB: 64, callsAhead: 100 });
  t.equal(calls.of(ranges([0, 512])), 132);
  calls.spend(120);
  t.equal(calls.of(ranges([512, 1024])), 12 + 32);
});
