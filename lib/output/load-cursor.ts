import type { ElfLoad } from './elf-plan.ts';

/** Finds the loads that pages belong to, for pages that come in ascending order. */
export class LoadCursor {
  /** Those with data, by physical address. */
  readonly #loads: readonly ElfLoad[];
  #next = 0;
  #active: ElfLoad[] = [];

  constructor(loads: readonly ElfLoad[]) {
    this.#loads = loads.filter(({ fileSize }) => fileSize > 0).sort((a, b) => a.paddr - b.paddr);
  }

  /** The loads with data in [start, end); `start` is never below that of the call before. */
  loadsOf(start: number, end: number): readonly ElfLoad[] {
    const loads = this.#loads;
    this.#active = this.#active.filter(({ paddr, fileSize }) => paddr + fileSize > start);
    while (this.#next < loads.length && loads[this.#next]!.paddr < end) {
      const load = loads[this.#next++]!;
      if (load.paddr + load.fileSize > start) this.#active.push(load);
    }
    return this.#active;
  }
}
