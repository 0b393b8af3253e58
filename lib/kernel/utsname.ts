import { VmcoreError } from '../errors.ts';
import { ERASED } from '../formats/erased.ts';
import { UTSNAME_SIZE, UTSNAME_STRING } from '../formats/kdump-layout.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import type { Vmcoreinfo } from './vmcoreinfo.ts';

/** The index of the release among the strings of struct new_utsname (include/uapi/linux/utsname.h). */
const RELEASE = 2;
/** Of uts_namespace.name, after a kref, in kernels that do not export it (include/linux/utsname.h). */
const NAME_OFFSET = 4;

/** What `uname -a` would have said. */
export interface Utsname {
  readonly sysname: string;
  readonly nodename: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
  readonly domainname: string;
  /** The 390 bytes of struct new_utsname, as dump headers hold them. */
  readonly raw: Uint8Array;
}

/**
 * @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO when VMCOREINFO does not say where it is, ERR_VMCORE_UNMAPPED or
 * ERR_VMCORE_NOT_PRESENT when it cannot be read.
 */
export function readUtsname(memory: Pick<VirtualMemory, 'read'>, info: Vmcoreinfo): Utsname {
  const raw = memory.read(utsnameAddress(info), new Uint8Array(UTSNAME_SIZE));
  return {
    sysname: field(raw, 0),
    nodename: field(raw, 1),
    release: field(raw, RELEASE),
    version: field(raw, 3),
    machine: field(raw, 4),
    domainname: field(raw, 5),
    raw,
  };
}

/**
 * The names as a dump's header has them: one that was erased is empty. Readers refuse a dump of a machine whose name is
 * none that they know, but take an empty one for any.
 */
export function headerNames(raw: Uint8Array): Uint8Array {
  const names = raw.slice();
  for (let at = 0; at < names.length; at += UTSNAME_STRING) {
    const name = names.subarray(at, at + UTSNAME_STRING);
    if (name.every((byte) => byte === ERASED)) name.fill(0);
  }
  return names;
}

/** Where the release is, for which {@link Utsname.release} stands; undefined where VMCOREINFO does not tell. */
export function releaseAddress(info: Vmcoreinfo): bigint | undefined {
  const utsname = findUtsname(info);
  return utsname === undefined ? undefined : utsname + BigInt(RELEASE * UTSNAME_STRING);
}

function utsnameAddress(info: Vmcoreinfo): bigint {
  const utsname = findUtsname(info);
  if (utsname !== undefined) return utsname;
  const message = 'VMCOREINFO has neither SYMBOL(init_uts_ns) nor SYMBOL(system_utsname)';
  throw new VmcoreError('ERR_VMCORE_NO_VMCOREINFO', message);
}

function findUtsname(info: Vmcoreinfo): bigint | undefined {
  const namespace = info.symbol('init_uts_ns');
  if (namespace !== undefined) return namespace + BigInt(info.offset('uts_namespace.name') ?? NAME_OFFSET);
  // Before 2.6.19 there was no namespace.
  return info.symbol('system_utsname');
}

function field(raw: Uint8Array, index: number): string {
  const bytes = raw.subarray(index * UTSNAME_STRING, (index + 1) * UTSNAME_STRING);
  const nul = bytes.indexOf(0);
  return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul));
}
