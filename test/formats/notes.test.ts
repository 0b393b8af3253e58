import fc from 'fast-check';
import t from 'tap';
import { BufferSource } from '../../lib/access/buffer-source.ts';
import { openElf } from '../../lib/formats/elf.ts';
import { findVmcoreinfo, joinNotes, parseNotes } from '../../lib/formats/notes.ts';
import { buildElfCore, type CoreNote, notePayload, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';

const info = vmcoreinfoNote('OSRELEASE=6.1\n');
const status: CoreNote = { name: 'CORE', type: 1, desc: pattern(336) };
const segments = [{ paddr: 0, data: pattern(16) }];

function notesOf(...payloads: (CoreNote[] | Uint8Array)[]): string[] {
  return openElf(new BufferSource(buildElfCore({ segments, notes: payloads }))).notes.map(({ name }) => name);
}

for (const littleEndian of [true, false]) {
  t.test(`names and descriptors of any length, ${littleEndian ? 'little' : 'big'}-endian`, async (t) => {
    const anyNote = fc.record({
      name: fc.stringMatching(/^[A-Z_]{1,20}$/),
      type: fc.nat(),
      desc: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(anyNote, { maxLength: 8 }), fc.nat(64), (notes, zeros) => {
        const payload = Buffer.concat([notePayload(notes, littleEndian), Buffer.alloc(zeros)]);
        const parsed = parseNotes(payload, littleEndian);
        return (
          parsed.length === notes.length &&
          parsed.every(({ name, type, desc, offset }, i) => {
            const note = notes[i]!;
            const atOffset = payload.subarray(offset, offset + desc.length);
            const same = Buffer.compare(desc, note.desc) === 0 && Buffer.compare(desc, atOffset) === 0;
            return name === note.name && type === note.type && same;
          })
        );
      }),
    );
    t.pass();
  });
}

t.test('any bytes are notes or none, and no descriptor leaves the payload', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (payload, littleEndian) =>
      parseNotes(payload, littleEndian).every(
        ({ desc, offset }) => offset >= 12 && offset + desc.length <= payload.length,
      ),
    ),
  );
  t.pass();
});

t.test('what is damaged in one PT_NOTE hides nothing in the others', async (t) => {
  const garbage = Buffer.alloc(40, 0xee);
  t.same(notesOf(garbage, [info]), ['VMCOREINFO']);
  const tooLong = notePayload([status]);
  tooLong.writeUInt32LE(336 + 20, 4);
  t.same(notesOf(tooLong, [info]), ['VMCOREINFO'], 'a descriptor ends with its PT_NOTE');
  t.same(notesOf(notePayload([status]).subarray(0, 349), [info]), ['VMCOREINFO'], 'an end that is cut off');
  t.same(notesOf(Buffer.alloc(0), [status], [info]), ['CORE', 'VMCOREINFO']);
});

t.test('offsets are those in the payload of all PT_NOTEs', async (t) => {
  const dump = { name: 'LINUX', type: 0x700, desc: pattern(33) };
  const { notes, notePayload: payload } = openElf(
    new BufferSource(buildElfCore({ segments, align: 1, notes: [[dump], Buffer.alloc(7), [status, info]] })),
  );
  for (const { offset, desc } of notes) {
    t.same(payload.subarray(offset, offset + desc.length), desc);
  }
  t.equal(notes.length, 3);
});

t.test('VMCOREINFO is found by its whole name and its type', async (t) => {
  const others = [
    { ...info, name: 'VMCOREINFO_XEN' },
    { ...info, type: 1 },
  ];
  t.equal(findVmcoreinfo(parseNotes(notePayload(others), true)), undefined);
  const found = findVmcoreinfo(parseNotes(notePayload([...others, info]), true));
  t.same(found?.desc, info.desc);
});

t.test('payloads that are joined begin aligned', async (t) => {
  const unpadded = notePayload([{ ...status, desc: pattern(5) }], true).subarray(0, -3);
  const joined = joinNotes(unpadded, notePayload([info], true));
  t.same(
    parseNotes(joined, true).map(({ name }) => name),
    ['CORE', 'VMCOREINFO'],
  );
  t.same(joinNotes(unpadded), unpadded, 'one is as it was');
});
