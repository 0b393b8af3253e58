import { TAG } from './dwarf-constants.ts';
import type { Entries } from './dwarf-entries.ts';

/** What is looked for in debug information, by name. */
export interface WantedTypes {
  /** Structures, and typedefs of structures. */
  readonly types: ReadonlySet<string>;
  readonly members: ReadonlySet<string>;
  /** Arrays. */
  readonly variables: ReadonlySet<string>;
  readonly enumerators: ReadonlySet<string>;
}

/** Structures in structures without a name: those of struct page are three deep. */
const DEPTH_LIMIT = 16;
/** Types of types, such as a typedef of a const. */
const CHAIN_LIMIT = 32;
/** Entries that are read for one structure: the largest of a kernel has some hundreds. */
const STRUCTURE_LIMIT = 100_000;

/** What was found: the first definition counts. */
export class KernelTypes {
  /** Of types, in bytes. */
  readonly sizes = new Map<string, number>();
  /** Of members, such as `page.flags`, in bytes. */
  readonly offsets = new Map<string, number>();
  /** Elements of arrays: of a variable, or of a member. */
  readonly lengths = new Map<string, number>();
  readonly enumerators = new Map<string, number>();
  readonly #wanted: WantedTypes;
  /** What was not found yet, though it should be there. */
  readonly #missing: Readonly<Record<Exclude<keyof WantedTypes, 'members'>, Set<string>>>;
  #budget = 0;

  /** What may be absent is not `expected`. */
  constructor(wanted: WantedTypes, expected: (name: string) => boolean) {
    this.#wanted = wanted;
    this.#missing = {
      types: new Set([...wanted.types].filter(expected)),
      variables: new Set([...wanted.variables].filter(expected)),
      enumerators: new Set([...wanted.enumerators].filter(expected)),
    };
  }

  /** Whether all that was expected has been found. */
  get isComplete(): boolean {
    return Object.values(this.#missing).every(({ size }) => size === 0);
  }

  /** Takes what a unit has. @throws RangeError where its entries are damaged. */
  add(entries: Entries): void {
    entries.next();
    if (!entries.abbreviation?.hasChildren) return;
    while (!entries.atEnd) {
      entries.next();
      if (entries.abbreviation === undefined) return;
      const { start } = entries;
      if (this.#take(entries)) entries.readAt(start);
      entries.skipChildren();
    }
  }

  /** Whether it went elsewhere in the unit. */
  #take(entries: Entries): boolean {
    switch (entries.tag) {
      case TAG.structure:
      case TAG.typedef:
        return this.#takeType(entries);
      case TAG.enumeration:
        return this.#takeEnumerators(entries);
      case TAG.variable:
        return this.#takeVariable(entries);
      default:
        return false;
    }
  }

  #takeType(entries: Entries): boolean {
    const { name } = entries;
    if (name === undefined || !this.#wanted.types.has(name) || this.sizes.has(name)) return false;
    const isStructure = entries.tag === TAG.structure || findTag(entries, TAG.structure);
    if (!isStructure || entries.isDeclaration || entries.byteSize === undefined) return true;
    this.sizes.set(name, entries.byteSize);
    this.#missing.types.delete(name);
    this.#budget = STRUCTURE_LIMIT;
    this.#takeMembers(entries, name, 0, 0);
    return true;
  }

  /** The members of the structure or union that was just read, which begins at `base` in the type `owner`. */
  #takeMembers(entries: Entries, owner: string, base: number, depth: number): void {
    if (!entries.abbreviation?.hasChildren) return;
    for (let at = entries.position; ; ) {
      if (this.#budget-- === 0) throw new RangeError(`struct ${owner} has no end`);
      entries.readAt(at);
      if (entries.abbreviation === undefined) return;
      const { tag, hasName, name, memberLocation = 0, type } = entries;
      entries.skipChildren();
      at = entries.position;
      if (tag !== TAG.member || type === undefined || (hasName && name === undefined)) continue;
      entries.readAt(type);
      const offset = base + memberLocation;
      if (hasName) this.#takeMember(entries, `${owner}.${name}`, offset);
      else if (depth < DEPTH_LIMIT) this.#takeMembers(entries, owner, offset, depth + 1);
    }
  }

  /** `entries` is at its type. */
  #takeMember(entries: Entries, key: string, offset: number): void {
    if (!this.offsets.has(key)) this.offsets.set(key, offset);
    this.#takeLength(entries, key);
  }

  #takeLength(entries: Entries, key: string): void {
    const length = arrayLength(entries);
    if (length !== undefined && !this.lengths.has(key)) this.lengths.set(key, length);
  }

  #takeEnumerators(entries: Entries): boolean {
    if (!entries.abbreviation?.hasChildren) return false;
    for (;;) {
      entries.next();
      if (entries.abbreviation === undefined) return true;
      const { name, constValue } = entries;
      if (name !== undefined && constValue !== undefined && this.#wanted.enumerators.has(name)) {
        if (!this.enumerators.has(name)) this.enumerators.set(name, constValue);
        this.#missing.enumerators.delete(name);
      }
      entries.skipChildren();
    }
  }

  /** A definition may leave its name to the declaration, which does not know how long the array is. */
  #takeVariable(entries: Entries): boolean {
    const { specification, isDeclaration } = entries;
    if (isDeclaration || (entries.name === undefined && specification === undefined)) return false;
    let { name, type } = entries;
    if (specification !== undefined) {
      entries.readAt(specification);
      name ??= entries.name;
      type ??= entries.type;
    }
    if (name === undefined || type === undefined || !this.#wanted.variables.has(name)) return true;
    this.#missing.variables.delete(name);
    entries.readAt(type);
    this.#takeLength(entries, name);
    return true;
  }
}

/** Goes on from a type that is another one's alias, up to an entry of `tag`; false where there is none. */
function findTag(entries: Entries, tag: number): boolean {
  for (let i = 0; i < CHAIN_LIMIT; i++) {
    if (entries.tag === tag) return true;
    const isAlias = entries.tag === TAG.typedef || entries.tag === TAG.const || entries.tag === TAG.volatile;
    if (!isAlias || entries.type === undefined) return false;
    entries.readAt(entries.type);
  }
  return false;
}

/** Elements of the type at which `entries` is, in its first dimension; undefined for what is no array of a known length. */
function arrayLength(entries: Entries): number | undefined {
  if (!findTag(entries, TAG.array) || !entries.abbreviation?.hasChildren) return undefined;
  entries.next();
  if (entries.tag !== TAG.subrange) return undefined;
  const length = entries.count ?? (entries.upperBound === undefined ? undefined : entries.upperBound + 1);
  return length !== undefined && Number.isSafeInteger(length) && length > 0 ? length : undefined;
}
