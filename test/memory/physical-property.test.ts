// Physical memory of any ranges against one byte looked up after the other.
import fc from 'fast-check';
import t from 'tap';
import { BufferSource } from '../../lib/access/buffer-source.ts';
import type { AccessPolicy } from '../../lib/access/slots.ts';
import { isVmcoreError } from '../../lib/errors.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { PhysicalMemory } from '../../lib/memory/physical.ts';
import { anyRanges, FILE_BYTES, MEMORY_BYTES, type Place, placesOf } from '../formats/naive-memory.ts';
import { pattern } from '../support/elf-builder.ts';

const file = pattern(FILE_BYTES);
const policies = fc.constantFrom<AccessPolicy>('auto', 'mmap', 'read');
const spans = fc.record({ paddr: fc.nat(MEMORY_BYTES), length: fc.nat(40) });

function memoryOf(ranges: Parameters<typeof makeExtents>[0], policy: AccessPolicy): PhysicalMemory {
  const slots = { slots: 3, regionBytes: 16, readBytes: 8, policy };
  return new PhysicalMemory(new BufferSource(file), makeExtents(ranges), true, slots);
}

function byteAt(place: Place | undefined): number {
  return typeof place === 'number' ? file[place]! : 0;
}

/** The bytes, or the address of the first one that is not there. */
function outcome(read: () => Uint8Array): number[] | { absent: unknown } {
  try {
    return [...read()];
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_NOT_PRESENT')) return { absent: error.address };
    throw error;
  }
}

t.test('a read gives every byte, or names the first that is absent', async (t) => {
  fc.assert(
    fc.property(anyRanges, policies, fc.array(spans, { maxLength: 6 }), (ranges, policy, reads) => {
      const places = placesOf(ranges);
      const memory = memoryOf(ranges, policy);
      for (const { paddr, length } of reads) {
        const wanted = Array.from({ length }, (_, i) => places[paddr + i] ?? 'absent');
        const absent = wanted.indexOf('absent');
        const expected = absent < 0 ? wanted.map(byteAt) : { absent: paddr + absent };
        const actual = outcome(() => memory.read(paddr, new Uint8Array(length).fill(0xaa)));
        if (JSON.stringify(actual) !== JSON.stringify(expected)) return false;
      }
      return true;
    }),
  );
  t.pass();
});

t.test('a page is put together from all its parts, the rest is zeros', async (t) => {
  const pageBytes = 16;
  fc.assert(
    fc.property(anyRanges, policies, (ranges, policy) => {
      const places = placesOf(ranges);
      const memory = memoryOf(ranges, policy);
      for (let paddr = 0; paddr < MEMORY_BYTES; paddr += pageBytes) {
        const wanted = places.slice(paddr, paddr + pageBytes);
        const exists = wanted.some((place) => place !== 'absent');
        const expected = exists ? wanted.map(byteAt) : { absent: paddr };
        const actual = outcome(() => memory.readPage(paddr, new Uint8Array(pageBytes).fill(0xaa)));
        if (JSON.stringify(actual) !== JSON.stringify(expected)) return false;
      }
      return true;
    }),
  );
  t.pass();
});
