import type { ByteSource } from '../access/byte-source.ts';

/** Something that is wrong with a dump. */
export interface DumpProblem {
  /** What should be there is not (`incomplete`), or is there and wrong (`damaged`). */
  readonly kind: 'incomplete' | 'damaged';
  readonly reason: string;
  readonly file: string;
  /** Where in the file, in bytes; of a flattened one, in the file that it stands for. */
  readonly offset?: number | undefined;
  /** The page that it is about; the first of them where there are several. */
  readonly pfn?: number | undefined;
  /** How many pages it is about, which follow one another in the dump. */
  readonly pages?: number | undefined;
}

/** Where a problem is. */
export interface Place {
  /** In bytes. */
  readonly offset: number;
  /** Bytes that are wrong together. */
  readonly size: number;
}

/** A page without data: its place among the descriptors, and where in the file that was seen. */
export interface MissingPage {
  readonly pfn: number;
  readonly index: number;
  readonly offset: number;
}

/** Pages without data that follow one another. */
export interface MissingPages {
  readonly pfn: number | undefined;
  readonly pages: number;
  readonly offset: number;
}

/** Problems that a report names; the rest is counted. */
const PROBLEMS_LISTED = 1000;

/** What was found in all files of a dump. */
export class Findings {
  readonly problems: DumpProblem[] = [];
  /** All of them, those that are not listed included. */
  count = 0;
  lostPages = 0;
  damagedPages = 0;
  #isDamaged = false;

  /** What the dump is, by what was found so far. */
  get state(): 'complete' | 'incomplete' | 'damaged' {
    if (this.#isDamaged) return 'damaged';
    return this.count > 0 ? 'incomplete' : 'complete';
  }

  add(problem: DumpProblem): void {
    const { kind, pages = 0 } = problem;
    this.#isDamaged ||= kind === 'damaged';
    if (kind === 'damaged') this.damagedPages += pages;
    else this.lostPages += pages;
    if (this.count++ < PROBLEMS_LISTED) this.problems.push(problem);
  }

  /** One more page of the problem that was added last. */
  extendLast(): void {
    this.lostPages++;
    const last = this.problems.at(-1);
    if (last && this.count <= PROBLEMS_LISTED) {
      this.problems[this.problems.length - 1] = { ...last, pages: (last.pages ?? 0) + 1 };
    }
  }
}

/** What was found in one file. */
export class FileFindings {
  readonly #findings: Findings;
  readonly #file: string;
  readonly #writtenEnd: number;
  #lastReason = '';
  #lastIndex = -2;

  /** @param writtenEnd behind the last byte of the file that is not zero. */
  constructor(findings: Findings, source: ByteSource, writtenEnd: number) {
    this.#findings = findings;
    this.#file = source.name;
    this.#writtenEnd = writtenEnd;
  }

  /** Whether there are only zeros from somewhere in a place to the end of the file. */
  isUnwritten({ offset, size }: Place): boolean {
    return offset + size > this.#writtenEnd;
  }

  /** Something is not there. */
  missing(reason: string, offset?: number): void {
    this.#add('incomplete', reason, { offset });
  }

  /** The data of the page with a descriptor is not there; neighbours with the same reason are one problem. */
  missingPage(reason: string, { pfn, index, offset }: MissingPage): void {
    const continues = this.#lastIndex === index - 1 && this.#lastReason === reason;
    if (continues) this.#findings.extendLast();
    else this.#add('incomplete', reason, { offset, pfn, pages: 1 });
    this.#lastIndex = index;
    this.#lastReason = reason;
  }

  /** The data of many pages at once. */
  missingPages(reason: string, { pfn, pages, offset }: MissingPages): void {
    this.#add('incomplete', reason, { offset, pfn, pages });
  }

  /** Something is wrong; where there are only zeros to the end of the file, it was never written. */
  damaged(reason: string, place: Place, pfn?: number): void {
    this.#lastIndex = -2;
    const where = { offset: place.offset, ...(pfn === undefined ? {} : { pfn, pages: 1 }) };
    if (this.isUnwritten(place)) {
      const why = `from byte ${this.#writtenEnd} on the file has only zeros, as if it was never written`;
      this.#add('incomplete', `${reason}; ${why}`, where);
    } else {
      this.#add('damaged', reason, where);
    }
  }

  #add(
    kind: DumpProblem['kind'],
    message: string,
    where: Pick<DumpProblem, 'offset' | 'pfn' | 'pages'>,
  ): void {
    const prefix = `${this.#file}: `;
    const reason = message.startsWith(prefix) ? message.slice(prefix.length) : message;
    this.#findings.add({ kind, reason, file: this.#file, ...where });
  }
}
