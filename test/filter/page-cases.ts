// Pages of every kind, and how many of them the levels 0, 1, 2, 4, 8, 16 and 31 keep.
import type { PageCase } from '../support/page-cases.ts';
import { anon, block, compound, file, free, type PageFields } from '../support/page-writer.ts';

/** A case by the levels that leave it out; what is left out is all of it. */
function dropped(name: string, first: PageFields | readonly PageFields[], ...at: number[]): PageCase {
  const pages = Array.isArray(first) ? first : [first];
  const columns = [0, 1, 2, 4, 8, 16, 31].map((level) => (at.includes(level) ? 0 : pages.length));
  return { name, pages, kept: columns };
}

const never = [] as const;
const always = [0, 1, 2, 4, 8, 16, 31];
const asCache = [2, 4, 31];
const asPrivateCache = [4, 31];
const asUser = [8, 31];
const asFree = [16, 31];

const kernel = dropped('kernel page', {}, ...never);
const common: PageCase[] = [
  kernel,
  dropped('lru, file mapping', { flags: ['lru'], mapping: file }, ...asCache),
  dropped('lru + private, file', { flags: ['lru', 'private'], mapping: file }, ...asPrivateCache),
  dropped('lru anon', { flags: ['lru'], mapping: anon }, ...asUser),
  dropped('anon, not lru', { mapping: anon }, ...asUser),
  dropped('KSM (mapping bits 3)', { flags: ['lru'], mapping: 3n }, ...asUser),
  dropped('lru, mapping bit 1 only', { flags: ['lru'], mapping: 2n }, ...asCache),
  dropped('swapcache + swapbacked anon', { flags: ['swapcache', 'swapbacked'], mapping: anon }, ...asUser),
  dropped('swapcache + swapbacked, not anon', { flags: ['swapcache', 'swapbacked'] }, ...asCache),
  dropped(
    'swapcache + swapbacked + private',
    { flags: ['swapcache', 'swapbacked', 'private'] },
    ...asPrivateCache,
  ),
  dropped('the bit of swapcache without swapbacked means something else', { flags: ['swapcache'] }, ...never),
  dropped('private alone', { flags: ['private'] }, ...never),
  dropped('hwpoison', { flags: ['hwpoison'] }, ...always),
  dropped('hwpoison + anon', { flags: ['hwpoison', 'lru'], mapping: anon }, ...always),
  dropped('hwpoison + free', { flags: ['hwpoison'], type: 'BUDDY', private: 0n }, ...always),
  dropped('offline', { type: 'OFFLINE' }, ...always),
  dropped('stray tail', { tail: true }, ...never),
  dropped('stray tail with lru', { tail: true, flags: ['lru'] }, ...never),
  // makedumpfile keeps it: it passes over tails before it looks for poison.
  dropped('stray tail with hwpoison', { tail: true, flags: ['hwpoison'] }, ...always),
  dropped('buddy order 0', free(0), ...asFree),
  dropped('buddy order 3', free(3), ...asFree),
  dropped('buddy order 11 with 11 orders', { type: 'BUDDY', private: 11n }, ...never),
  dropped('buddy order 2^63', { type: 'BUDDY', private: 1n << 63n }, ...never),
  dropped('buddy order 10', free(10), ...asFree),
  dropped('anon THP', compound(9, { flags: ['lru'], mapping: anon }), ...asUser),
  dropped('hugetlb, no lru, no mapping', compound(9, { hugetlb: true }), ...asUser),
  dropped('anon folio order 2', compound(2, { flags: ['lru'], mapping: anon }), ...asUser),
  dropped('compound page of the kernel', compound(2, {}), ...never),
  dropped('compound, head hwpoison', compound(2, { flags: ['hwpoison'] }), ...always),
  dropped('compound, offline', compound(2, { type: 'OFFLINE' }), ...always),
  {
    // makedumpfile keeps 4 at the levels that keep the folio.
    name: 'file THP with one hwpoison tail',
    pages: compound(2, { flags: ['lru'], mapping: file }, { 3: { flags: ['hwpoison'] } }),
    kept: [3, 3, 0, 0, 3, 3, 0],
  },
  {
    // makedumpfile keeps all 4.
    name: 'compound page of the kernel with one hwpoison tail',
    pages: compound(2, {}, { 1: { flags: ['hwpoison'], order: 2 } }),
    kept: [3, 3, 3, 3, 3, 3, 3],
  },
  {
    name: 'anon head of an absurd order: only itself',
    pages: [
      { flags: ['lru', 'head'], mapping: anon },
      { tail: true, order: 63 },
      { tail: true },
      { tail: true },
    ],
    kept: [4, 4, 4, 4, 3, 4, 3],
  },
  {
    name: 'anon head of an order that its pfn is no multiple of: only itself',
    pages: [{}, {}, { flags: ['lru', 'head'], mapping: anon }, { tail: true, order: 2 }],
    kept: [4, 4, 4, 4, 3, 4, 3],
  },
  {
    name: 'anon page without the head flag: what the next page says of an order is no matter',
    pages: [{ flags: ['lru'], mapping: anon }, { order: 2 }, {}, {}],
    kept: [4, 4, 4, 4, 3, 4, 3],
  },
];

/** Slab pages are told by a flag. */
export const cases6_2: PageCase[] = [
  ...common,
  dropped('slab with mapping bit 0', { flags: ['slab'], mapping: anon }, ...never),
  dropped('slab with the mapcount of offline', { flags: ['slab'], mapcount: -257 }, ...never),
  dropped('slab with the mapcount of buddy', { flags: ['slab'], mapcount: -129 }, ...never),
  dropped('compound slab', compound(3, { flags: ['slab'] }), ...never),
];

/** PG_waiters: makedumpfile takes bit 7 for PG_slab where the kernel exports none. */
const waiters = { bits: [7] };

/** Slab pages are told by their type, the top byte of what was _mapcount. */
export const cases6_12: PageCase[] = [
  ...common,
  dropped('lru anon with waiters', { ...waiters, flags: ['lru'], mapping: anon }, ...asUser),
  dropped(
    'lru anon private with waiters',
    { ...waiters, flags: ['lru', 'private'], mapping: anon },
    ...asUser,
  ),
  dropped('offline with waiters', { ...waiters, type: 'OFFLINE' }, ...always),
  dropped('buddy with waiters', { ...waiters, type: 'BUDDY', private: 0n }, ...asFree),
  dropped('slab', { type: 'SLAB' }, ...never),
  dropped('slab with mapping bit 0', { type: 'SLAB', mapping: anon }, ...never),
  // makedumpfile compares all of the word.
  dropped('slab with data below its type', { mapcount: 0xf5000123 | 0, mapping: anon }, ...never),
  dropped('compound slab', compound(3, { type: 'SLAB' }), ...never),
  dropped('unaccepted', block(10, { type: 'UNACCEPTED' }), ...asFree),
  dropped('a type that no dump tool knows', { mapcount: 0xf2000000 | 0 }, ...never),
  dropped('a page that is mapped often is no type', { mapcount: 0x70000000 }, ...never),
];
