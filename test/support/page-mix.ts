// struct pages by the million, with the classes of a machine in use.
import type { Generation } from './page-generations.ts';
import { anon, encodePages, file, type PageFields } from './page-writer.ts';

/** What becomes of a page at dump level 31. */
export const mixClasses = ['cache', 'cachePrivate', 'user', 'free', 'kept'] as const;
export type MixClass = (typeof mixClasses)[number];
export type MixShares = Readonly<Record<MixClass, number>>;

/** Of 1,539,925 pages that level 31 leaves out of the lab's 8 GiB core (test/vm, `large`): processes, files and free memory. */
const leftOut = { cache: 100737, cachePrivate: 65581, user: 529189, free: 844418 };

/** The lab's mix, with another share of pages that are kept: 0.24 is the lab's, large machines have 0.01 to 0.03. */
export function labShares(kept: number): MixShares {
  const sum = Object.values(leftOut).reduce((a, b) => a + b);
  const share = (pages: number) => (pages / sum) * (1 - kept);
  return {
    cache: share(leftOut.cache),
    cachePrivate: share(leftOut.cachePrivate),
    user: share(leftOut.user),
    free: share(leftOut.free),
    kept,
  };
}

/** Pages of a class, one after another: at most so many. The kernel's own lie together, in blocks that no others are in. */
const longestRun = { cache: 32, cachePrivate: 32, user: 32, kept: 512 } as const;
const highestOrder = 10; // MAX_ORDER, include/linux/mmzone.h
const hugePage = 512; // 2 MiB: a transparent huge page

/** Struct pages of a generation, as 32-bit words of a little-endian machine. */
export class PageMix {
  /** Pages made so far, by class. */
  readonly made: Record<MixClass, number> = { cache: 0, cachePrivate: 0, user: 0, free: 0, kept: 0 };
  readonly #shares: MixShares;
  readonly #wordsPerPage: number;
  readonly #serialWord: number;
  readonly #templates: Readonly<Record<'cache' | 'cachePrivate' | 'user' | 'slab' | 'kernel', Int32Array>>;
  readonly #free: readonly Int32Array[];
  readonly #huge: Int32Array;
  #random: number;
  #serial = 0;

  constructor(generation: Generation, shares: MixShares, seed = 1) {
    this.#shares = shares;
    this.#random = seed;
    this.#wordsPerPage = generation.size / 4;
    // page.index is behind page.mapping, and no tool looks at it.
    this.#serialWord = (generation.offsets.mapping! + 8) / 4;
    const one = (...pages: PageFields[]) => wordsOf(encodePages(generation, pages));
    this.#templates = {
      cache: one({ flags: ['lru'], mapping: file, mapcount: 0 }),
      cachePrivate: one({ flags: ['lru', 'private'], mapping: file, mapcount: 0 }),
      user: one({ flags: ['lru', 'swapbacked'], mapping: anon, mapcount: 0 }),
      slab: one({ flags: ['slab'] }),
      kernel: one({}),
    };
    this.#free = Array.from({ length: highestOrder + 1 }, (_, order) =>
      one({ type: 'BUDDY', private: BigInt(order) }),
    );
    this.#huge = one(
      { flags: ['lru', 'swapbacked', 'head'], mapping: anon },
      { tail: true, order: 9 },
      { tail: true },
    );
  }

  /** Fills `words` with struct pages that are all different; the first one's pfn is a multiple of 2^10. */
  fill(words: Int32Array): void {
    const pages = words.length / this.#wordsPerPage;
    for (let pfn = 0; pfn < pages; ) pfn += this.#addRun(words, pfn, pages - pfn);
    for (let at = this.#serialWord; at < words.length; at += this.#wordsPerPage) words[at] = ++this.#serial;
  }

  /** The class that lags most behind its share comes next. */
  #addRun(words: Int32Array, pfn: number, room: number): number {
    const name = this.#nextClass();
    const pages = this.#addPages(words, pfn, room, name);
    this.made[name] += pages;
    return pages;
  }

  #addPages(words: Int32Array, pfn: number, room: number, name: MixClass): number {
    if (name === 'free') return this.#addFree(words, pfn, room);
    if (name === 'user' && pfn % hugePage === 0 && room >= hugePage) return this.#addHuge(words, pfn);
    const pages = Math.min(1 + this.#below(longestRun[name]), room);
    this.#repeat(words, pfn, pages, this.#templates[name === 'kept' ? this.#kernelKind() : name]);
    return pages;
  }

  #nextClass(): MixClass {
    const total = mixClasses.reduce((sum, name) => sum + this.made[name], 0) + 1;
    let [next, most]: [MixClass, number] = ['kept', Number.NEGATIVE_INFINITY];
    for (const name of mixClasses) {
      const lag = this.#shares[name] * total - this.made[name];
      if (lag > most) [next, most] = [name, lag];
    }
    return next;
  }

  #kernelKind(): 'slab' | 'kernel' {
    return this.#below(2) === 0 ? 'slab' : 'kernel';
  }

  /** A free block is aligned to its length. The pages behind its first say nothing. */
  #addFree(words: Int32Array, pfn: number, room: number): number {
    let order = this.#below(highestOrder + 1);
    while (pfn % 2 ** order !== 0 || 2 ** order > room) order--;
    this.#repeat(words, pfn, 1, this.#free[order]!);
    this.#repeat(words, pfn + 1, 2 ** order - 1, this.#templates.kernel);
    return 2 ** order;
  }

  #addHuge(words: Int32Array, pfn: number): number {
    const size = this.#wordsPerPage;
    words.set(this.#huge, pfn * size);
    this.#repeat(words, pfn + 3, hugePage - 3, this.#huge.subarray(2 * size));
    return hugePage;
  }

  #repeat(words: Int32Array, pfn: number, pages: number, template: Int32Array): void {
    for (let i = 0; i < pages; i++) words.set(template, (pfn + i) * this.#wordsPerPage);
  }

  /** A linear congruential generator (Numerical Recipes): the same pages every time. */
  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }
}

function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
