import t from 'tap';
import { ELF_CLASSES, ELF_MAGIC, ELFDATA2LSB, ELFDATA2MSB } from '../../lib/formats/elf-layout.ts';
import { isMarkedIncomplete, MARK_BYTES, markIncomplete } from '../../lib/formats/incomplete-mark.ts';
import { HEADER, HEADER_32, KDUMP_SIGNATURE, STATUS_INCOMPLETE } from '../../lib/formats/kdump-layout.ts';

/** Whether marking it changes just the bits `bit` of the 32-bit field at `offset`. */
function marks(head: Uint8Array, offset: number, bit: number, littleEndian: boolean): boolean {
  const expected = Uint8Array.from(head);
  new DataView(expected.buffer).setUint32(offset, bit, littleEndian);
  if (isMarkedIncomplete(head)) return false;
  markIncomplete(head);
  return isMarkedIncomplete(head) && Buffer.compare(head, expected) === 0;
}

t.test('kdump-compressed of any page size, word size and byte order', async (t) => {
  for (const layout of [HEADER, HEADER_32]) {
    for (const littleEndian of [true, false]) {
      for (let pageSize = 4096; pageSize <= 262144; pageSize *= 2) {
        const head = new Uint8Array(MARK_BYTES);
        head.set(Buffer.from(KDUMP_SIGNATURE));
        new DataView(head.buffer).setInt32(layout.blockSize, pageSize, littleEndian);
        const name = `status at ${layout.status}, ${littleEndian ? 'little' : 'big'}-endian, pages of ${pageSize}`;
        t.ok(marks(head, layout.status, STATUS_INCOMPLETE, littleEndian), name);
      }
    }
  }
});

t.test('ELF of both classes and byte orders', async (t) => {
  for (const [ident, elf] of Object.entries(ELF_CLASSES)) {
    for (const data of [ELFDATA2LSB, ELFDATA2MSB]) {
      const head = new Uint8Array(MARK_BYTES);
      head.set([...ELF_MAGIC, Number(ident), data]);
      t.ok(marks(head, elf.ehdr.flags, 1, data === ELFDATA2LSB), `${elf.format}, data ${data}`);
    }
  }
});

t.test('what is neither, or too short, stays as it is', async (t) => {
  for (const text of ['', 'KDUMP   ', '\x7fELF', '\x7fELF\x03\x01', 'makedumpfile']) {
    const head = new Uint8Array(Buffer.from(text, 'latin1'));
    markIncomplete(head);
    t.equal(Buffer.from(head).toString('latin1'), text);
    t.notOk(isMarkedIncomplete(head));
  }
});
