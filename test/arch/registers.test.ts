// Registers from the notes of CPUs.
import t from 'tap';
import { parseCpus, type RegisterLayout } from '../../lib/arch/registers.ts';
import type { Note } from '../../lib/formats/notes.ts';

const layout: RegisterLayout = {
  prstatus: [{ offset: 40, bytes: 8, names: ['a', 'b'] }],
  notes: [
    { type: 7, words: [{ offset: 0, bytes: 4, names: ['c'] }] },
    { type: 8, words: [{ offset: 0, bytes: 8, names: ['wide'], upper: ['a'] }] },
    { type: 9, words: [{ offset: 0, bytes: 16, names: ['whole'] }] },
  ],
};

function note(name: string, type: number, desc: Uint8Array): Note {
  return { name, type, desc, offset: 0 };
}

function words(values: readonly bigint[], littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => {
    view.setBigUint64(i * 8, value, littleEndian);
  });
  return new Uint8Array(view.buffer);
}

function prstatus(pid: number, values: readonly bigint[], littleEndian: boolean): Note {
  const desc = Buffer.concat([Buffer.alloc(40), words(values, littleEndian)]);
  new DataView(desc.buffer, desc.byteOffset).setInt32(32, pid, littleEndian);
  return note('CORE', 1, desc);
}

t.test('registers by name, in the byte order of the dead machine', async (t) => {
  for (const littleEndian of [true, false]) {
    const notes = [prstatus(0, [1n, 2n ** 64n - 1n], littleEndian), prstatus(4711, [3n, 4n], littleEndian)];
    t.same(parseCpus(notes, layout, littleEndian), [
      { cpu: 0, pid: 0, registers: { a: 1n, b: 2n ** 64n - 1n } },
      { cpu: 1, pid: 4711, registers: { a: 3n, b: 4n } },
    ]);
  }
});

t.test("a CPU's other notes follow its first one, in any order", async (t) => {
  for (const littleEndian of [true, false]) {
    const four = words([littleEndian ? 5n : 5n << 32n], littleEndian).subarray(0, 4);
    const notes = [
      note('LINUX', 7, four), // of no CPU
      prstatus(1, [1n, 2n], littleEndian),
      note('LINUX', 9, words(littleEndian ? [6n, 7n] : [7n, 6n], littleEndian)),
      note('LINUX', 8, words([8n], littleEndian)),
      prstatus(2, [3n, 4n], littleEndian),
      note('LINUX', 7, four),
      note('LINUX', 9, four), // too short for what it should have
      note('VMCOREINFO', 0, four),
    ];
    t.same(parseCpus(notes, layout, littleEndian), [
      { cpu: 0, pid: 1, registers: { a: 1n, b: 2n, wide: (1n << 64n) | 8n, whole: (7n << 64n) | 6n } },
      { cpu: 1, pid: 2, registers: { a: 3n, b: 4n, c: 5n } },
    ]);
  }
});

t.test('a note that is too short is left out, and the others keep their number', async (t) => {
  const notes = [prstatus(1, [5n], true), note('CORE', 1, new Uint8Array(0)), prstatus(2, [6n, 7n], true)];
  t.same(parseCpus(notes, layout, true), [{ cpu: 2, pid: 2, registers: { a: 6n, b: 7n } }]);
});
