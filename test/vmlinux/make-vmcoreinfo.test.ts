// VMCOREINFO of built vmlinux files: every version of DWARF, byte order, and way to store what is in it.
import t from 'tap';
import { identifyVmlinux, makeVmcoreinfo } from '../../lib/index.ts';
import { BUILD_ID, buildVmlinux, EXPECTED, RELEASE, type VmlinuxShape } from '../support/vmlinux-builder.ts';

const plain: VmlinuxShape = { littleEndian: true, version: 5, wide: false, names: 'strp' };

for (const version of [2, 3, 4, 5] as const) {
  for (const littleEndian of [true, false]) {
    for (const wide of [false, true]) {
      const what = `DWARF ${version}, ${littleEndian ? 'little' : 'big'}-endian, ${wide ? 64 : 32}-bit`;
      t.test(what, async (t) => {
        for (const names of ['strp', 'strx', 'string'] as const) {
          for (const isCompressed of [false, true]) {
            const vmlinux = buildVmlinux({ version, littleEndian, wide, names, isCompressed });
            t.equal((await makeVmcoreinfo(vmlinux)).text, EXPECTED, `${names}, ${isCompressed}`);
          }
        }
      });
    }
  }
}

t.test('of s390x', async (t) => {
  const vmlinux = buildVmlinux({ ...plain, littleEndian: false, machine: 22 });
  t.equal((await makeVmcoreinfo(vmlinux)).text, EXPECTED);
});

t.test('which kernel it is', async (t) => {
  const identity = { osrelease: RELEASE, buildId: BUILD_ID };
  t.same(await identifyVmlinux(buildVmlinux(plain)), identity);
  const stripped = buildVmlinux({ ...plain, without: ['.debug_info', '.notes'] });
  t.same(await identifyVmlinux(stripped), { osrelease: RELEASE, buildId: undefined });
});
