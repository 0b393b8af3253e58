// What differs where the tests run on an emulated machine (`npm run test:s390x`), in one place.

/** Whether qemu-user runs this process (test/s390x/node.sh). */
export const EMULATED = process.env.VMCORE_EMULATED_NODE !== undefined;

/** How many runs of a property: emulation takes about ten times as long, and the processor is what it is about. */
export function runs(count: number): number {
  return EMULATED ? Math.ceil(count / 10) : count;
}

const LIMITS = {
  sigbus: 'qemu-user delivers SIGBUS with an address of the machine that it runs on',
  maps: 'qemu-user shows other mappings in /proc/self/maps than the process has',
  strace: 'strace sees the calls of qemu-user, not those of the process',
  limits: 'qemu-user does not start in a limited address space',
} as const;

/** Options of a test that needs what the emulator does not do: it is skipped there, with the reason. */
export function beyondEmulation(limit: keyof typeof LIMITS): { skip?: string } {
  return EMULATED ? { skip: LIMITS[limit] } : {};
}
