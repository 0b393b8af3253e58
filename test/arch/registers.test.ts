// Registers from NT_PRSTATUS notes.
import t from 'tap';
import { parseCpus } from '../../lib/arch/registers.ts';

const layout = { words: [{ offset: 40, bytes: 8, names: ['a', 'b'] }] } as const;

function desc(pid: number, values: readonly bigint[], littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(40 + values.length * 8));
  view.setInt32(32, pid, littleEndian);
  values.forEach((value, i) => {
    view.setBigUint64(40 + i * 8, value, littleEndian);
  });
  return new Uint8Array(view.buffer);
}

t.test('registers by name, in the byte order of the dead machine', async (t) => {
  for (const littleEndian of [true, false]) {
    const descs = [desc(0, [1n, 2n ** 64n - 1n], littleEndian), desc(4711, [3n, 4n], littleEndian)];
    t.same(parseCpus(descs, layout, littleEndian), [
      { cpu: 0, pid: 0, registers: { a: 1n, b: 2n ** 64n - 1n } },
      { cpu: 1, pid: 4711, registers: { a: 3n, b: 4n } },
    ]);
  }
});

t.test('a note that is too short is left out, and the others keep their number', async (t) => {
  const cpus = parseCpus([desc(1, [5n], true), new Uint8Array(0), desc(2, [6n, 7n], true)], layout, true);
  t.same(cpus, [{ cpu: 2, pid: 2, registers: { a: 6n, b: 7n } }]);
});
