// What differs where the tests run on an emulated machine (`npm run test:s390x`), in one place.

import { readlinkSync } from 'node:fs';

/** The program that runs this process; `process.execPath` may be a script that starts it. */
export const nodeProgram = readlinkSync('/proc/self/exe');

/** Whether qemu-user runs this process (test/s390x/node.sh). */
export const EMULATED = process.env.VMCORE_EMULATED_NODE !== undefined;

const LIMITS = {
  sigbus: 'qemu-user delivers SIGBUS with an address of its own, not of the process',
  terminal: 'qemu-user does not answer what a new glibc asks a terminal (TCGETS2)',
  strace: 'strace sees the calls of qemu-user, not those of the process',
  time: 'emulation is too slow for the cores of test/vm; the bundled ones, of two machines, are read',
  speed: 'makedumpfile runs on the machine that emulates: a ratio to it says nothing',
  prebuilt: 'node-gyp-build was told to look at prebuilt addons only when the process began',
  zstdNapi: 'zstd-napi is installed for the machine that emulates',
  otherUser: 'the emulated machine may lie in a folder that no other user may enter',
  addressSpace: 'in a limited address space there is what qemu-user takes, too',
} as const;

/** Options of a test that needs what the emulator does not do: it is skipped there, with the reason. */
export function beyondEmulation(limit: keyof typeof LIMITS): { skip?: string } {
  return EMULATED ? { skip: LIMITS[limit] } : {};
}
