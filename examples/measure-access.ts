// Compares mapping with reading, by calls on the core and by CPU time: node measure-access.js VMCORE
import { measureAccess, measureCopies } from 'vmcore/bench';

const path = process.argv[2];
if (!path) throw new Error('usage: measure-access.js VMCORE');

// Dumps into /dev/null, at level 0 (everything) and 31 (what is worth keeping).
const { machine, runs } = await measureAccess(path, { levels: [0, 31] });
console.log('level  access   mmap  munmap   read    sum  page tables');
for (const { level, access, calls, sum, pageTableBytes } of runs) {
  const { maps, unmaps, preads } = calls;
  const counts = [maps, unmaps, preads, sum].map((count) => String(count).padStart(6)).join(' ');
  console.log(`${String(level).padStart(5)}  ${access.padEnd(6)} ${counts}  ${pageTableBytes >> 10} KiB`);
}

// The same pages mapped and read, each copied once by the program. An emulator has no caches: its times mean nothing.
if (machine.accel !== 'tcg') {
  const { ways } = await measureCopies(path, { bytes: 64 << 20, rounds: 2 });
  for (const { way, callBytes, perPage } of ways) {
    const { user, system } = perPage;
    console.log(
      `${way}, ${callBytes >> 10} KiB a call: ${Math.round(user)} + ${Math.round(system)} ns a page`,
    );
  }
}
