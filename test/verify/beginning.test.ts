// A dump that ends within its first bytes is incomplete; what begins otherwise is no dump.
import t from 'tap';
import { verifyDump } from '../../lib/index.ts';

const beginnings: Readonly<Record<string, Uint8Array>> = {
  'kdump-compressed': Buffer.from('KDUMP   '),
  ELF: Buffer.from('\x7fELF'),
  flattened: Buffer.from('makedumpfile'),
  LiME: Buffer.from('EMiL'),
  's390 stand-alone': Buffer.from('a8190173618f23fd', 'hex'),
};

for (const [format, magic] of Object.entries(beginnings)) {
  t.test(`cut off within the first bytes, ${format}`, async (t) => {
    for (let size = 1; size < magic.length; size++) {
      const cut = magic.subarray(0, size);
      for (const file of [cut, Buffer.concat([cut, Buffer.alloc(100)])]) {
        t.match(await verifyDump(file), {
          ...{ state: 'incomplete', format: undefined },
          problems: [{ reason: 'it ends within its first bytes' }],
        });
      }
    }
  });
}

t.test('empty', async (t) => {
  t.match(await verifyDump(Buffer.alloc(0)), { state: 'incomplete', problems: [{ reason: 'it is empty' }] });
});

t.test('what begins otherwise is no dump', async (t) => {
  await t.rejects(verifyDump(Buffer.from('KDUNK')), { code: 'ERR_VMCORE_FORMAT' });
});
