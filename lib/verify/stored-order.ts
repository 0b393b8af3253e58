import { DESCRIPTOR_SIZE } from '../formats/kdump-layout.ts';
import type { FileFindings } from './findings.ts';

/** A stored page, by its descriptor. */
export interface StoredPage {
  readonly pfn: number;
  /** Where its descriptor lies. */
  readonly at: number;
  /** Where its data lies, and how many bytes that is. */
  readonly offset: number;
  readonly size: number;
}

/**
 * Writers store pages one right behind the other, in the order of their descriptors. One that lies elsewhere is either
 * wrong itself, or the first one behind something that is: what comes next tells.
 */
export class StoredOrder {
  readonly #findings: FileFindings;
  /** Where the next page should be. */
  #end: number;
  /** The page that was not where it should be, and where that was. */
  #suspect: StoredPage | undefined;
  #expected = 0;
  #hasLost = false;

  constructor(findings: FileFindings, start: number) {
    this.#findings = findings;
    this.#end = start;
  }

  /** Behind the last page. */
  get end(): number {
    return this.#end;
  }

  /** Leaves out bytes that are no page of their own. */
  skip(bytes: number): void {
    this.#end += bytes;
  }

  /** The descriptor of the next page is not there; its data may be. */
  lose(): void {
    this.#hasLost = true;
  }

  /** Whether the page is where it should be. */
  next(page: StoredPage): boolean {
    if (this.#suspect && page.offset === this.#end) this.#acceptJump(this.#suspect);
    else if (this.#suspect) this.#rejectJump(this.#suspect, page);
    this.#suspect = undefined;
    const isInOrder = page.offset === this.#end || (this.#hasLost && page.offset > this.#end);
    this.#hasLost = false;
    if (!isInOrder) {
      this.#suspect = page;
      this.#expected = this.#end;
    }
    this.#end = page.offset + page.size;
    return isInOrder;
  }

  /** There are no more pages. */
  finish(): void {
    if (this.#suspect) this.#rejectJump(this.#suspect, undefined);
    this.#suspect = undefined;
  }

  /** What follows the suspect lies right behind it: the pages go on there. */
  #acceptJump(suspect: StoredPage): void {
    const { offset, pfn, at } = suspect;
    const gap = offset - this.#expected;
    if (gap < 0) {
      this.#findings.damaged(
        `its data overlaps that of pages before it`,
        { offset, size: suspect.size },
        pfn,
      );
      return;
    }
    const reason = `${gap} bytes at offset ${this.#expected} belong to no page: some descriptors before that of pfn ${pfn} are wrong or missing`;
    this.#findings.damaged(reason, { offset: at, size: DESCRIPTOR_SIZE });
  }

  /** What follows does not lie behind the suspect: that one is wrong, and has room up to the next. */
  #rejectJump({ pfn, at, offset, size }: StoredPage, next: StoredPage | undefined): void {
    const what = `its descriptor says ${size} bytes at offset ${offset}, out of order: ${this.#expected} would be right`;
    this.#findings.damaged(what, { offset: at, size: DESCRIPTOR_SIZE }, pfn);
    const room = next ? next.offset - this.#expected : size;
    this.#end = room >= 0 && room <= MAX_PAGE_BYTES ? this.#expected + room : this.#expected;
  }
}

/** No page is larger (arch/hexagon/Kconfig, PAGE_SIZE_256KB). */
const MAX_PAGE_BYTES = 256 * 1024;
