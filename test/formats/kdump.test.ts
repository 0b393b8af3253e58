import fc from 'fast-check';
import t from 'tap';
import { isVmcoreError, type OpenOptions, openVmcore } from '../../lib/index.ts';
import { notePayload, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildKdump, type KdumpLayoutName, type KdumpShape } from '../support/kdump-builder.ts';

const PAGE = 4096;
const codecNames = ['none', 'zlib', 'lzo', 'snappy', 'zstd'] as const;
const info =
  'OSRELEASE=6.1.0-test\nPAGESIZE=4096\nSYMBOL(init_top_pgt)=ffffffff82000000\nCRASHTIME=1700000000\n';
const prstatus = { name: 'CORE', type: 1, desc: new Uint8Array(336) };

function page(pfn: number, size = PAGE): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(pattern(size / 2, pfn));
  return bytes;
}

/** pfns 3 to 40 exist, every third is left out; and one far above. */
function pagesOf(size = PAGE): Map<number, Uint8Array | null> {
  const pfns = [...Array.from({ length: 38 }, (_, i) => i + 3), 70];
  return new Map(pfns.map((pfn) => [pfn, pfn % 3 === 0 ? null : page(pfn, size)]));
}

const plain: KdumpShape = { maxMapnr: 71, pages: pagesOf() };

async function readAll(file: Uint8Array | Uint8Array[], size = PAGE, options: OpenOptions = {}) {
  const core = await openVmcore(file, options);
  const outcome = Array.from({ length: 71 }, (_, pfn) => {
    try {
      return core.readPhysical(pfn * size, size);
    } catch (error) {
      return isVmcoreError(error) ? error.code : error;
    }
  });
  await core.close();
  return outcome;
}

function expected(pages = plain.pages, excluded: unknown = 'ERR_VMCORE_EXCLUDED') {
  return Array.from({ length: 71 }, (_, pfn) => {
    const bytes = pages.get(pfn);
    return bytes === undefined ? 'ERR_VMCORE_NOT_PRESENT' : (bytes ?? excluded);
  });
}

for (const layout of ['64', 'packed', 'padded'] as KdumpLayoutName[]) {
  for (const littleEndian of [true, false]) {
    t.test(`layout ${layout}, ${littleEndian ? 'little' : 'big'}-endian`, async (t) => {
      for (let version = 0; version <= 6; version++) {
        const payload = notePayload([prstatus, vmcoreinfoNote(info)], littleEndian);
        const offset = payload.indexOf('OSRELEASE');
        const text = version === 3 ? { offset: 0, size: info.length } : { offset, size: info.length };
        const shape: KdumpShape = {
          ...plain,
          layout,
          littleEndian,
          version,
          notes: version === 3 ? Buffer.from(info) : payload,
          vmcoreinfo: text,
          dumpLevel: 31,
          compression: (pfn) => codecNames[pfn % 5]!,
        };
        const file = buildKdump(shape);
        t.strictSame(await readAll(file), expected(), `version ${version}`);
        const core = await openVmcore(file);
        t.equal(core.format, 'kdump');
        t.equal(core.littleEndian, littleEndian);
        t.equal(core.pageSize, PAGE);
        t.equal(core.hasVmcoreinfo, version >= 3);
        if (version >= 3) t.equal(core.vmcoreinfo.osrelease, '6.1.0-test');
        t.equal(core.notes.length, version >= 4 ? 2 : version === 3 ? 1 : 0);
        await core.close();
      }
    });
  }
}

t.test('larger pages, and reads that cross them', async (t) => {
  const size = 65536;
  const pages = pagesOf(size);
  const file = buildKdump({ maxMapnr: 71, pages, blockSize: size, compression: () => 'zlib' });
  t.strictSame(await readAll(file, size), expected(pages));
  const core = await openVmcore(file);
  const across = Buffer.concat([pages.get(4)!, pages.get(5)!]);
  t.ok(across.subarray(60000, 70000).equals(core.readPhysical(4 * size + 60000, 10000)));
  t.throws(() => core.readPhysical(5 * size + 60000, 10000), {
    code: 'ERR_VMCORE_EXCLUDED',
    address: 6 * size,
  });
  t.equal(
    core.withWindow(4 * size + 1, 5, (bytes) => bytes[0]),
    pages.get(4)![1],
  );
  await core.close();
});

t.test('excluded pages as zeros', async (t) => {
  const outcome = await readAll(buildKdump(plain), PAGE, { excluded: 'zeros' });
  t.strictSame(outcome, expected(plain.pages, new Uint8Array(PAGE)));
  await t.rejects(openVmcore(buildKdump(plain), { excluded: 'maybe' as 'zeros' }), {
    code: 'ERR_VMCORE_ARGUMENT',
  });
});

t.test('a single bitmap: nothing was left out', async (t) => {
  const pages = new Map([...plain.pages].filter(([, bytes]) => bytes !== null));
  t.strictSame(await readAll(buildKdump({ ...plain, pages, singleBitmap: true })), expected(pages));
});

t.test('the architecture', async (t) => {
  const arch = async (shape: Partial<KdumpShape>) => {
    await using core = await openVmcore(buildKdump({ ...plain, ...shape }));
    return core.arch;
  };
  t.equal(await arch({ machine: 's390x', littleEndian: false }), 's390x');
  t.equal(await arch({ machine: 'aarch64' }), 'aarch64');
  t.equal(await arch({ machine: 'armv7l', layout: 'padded' }), 'arm');
  t.equal(await arch({ notes: notePayload([vmcoreinfoNote(info)]) }), 'x86_64', 'by VMCOREINFO');
  t.equal(
    await arch({ notes: notePayload([prstatus], false), littleEndian: false }),
    's390x',
    'by registers',
  );
  t.equal(await arch({}), 'machine 0');
});

t.test('incomplete dumps: what is there is readable, what is lost says so', async (t) => {
  const lost = (pfn: number) => pfn > 20 && plain.pages.get(pfn) !== null;
  const shape: KdumpShape = {
    ...plain,
    status: 8,
    descriptor: (pfn, at) => (lost(pfn) ? { offset: 0, size: 0, flags: 0 } : at),
  };
  const outcome = expected().map((page, pfn) => (page instanceof Uint8Array && lost(pfn) ? 'lost' : page));
  const codes = outcome.map((page) => (page === 'lost' ? 'ERR_VMCORE_NOT_PRESENT' : page));
  t.strictSame(await readAll(buildKdump(shape)), codes);
  const zeros = outcome.map((page) =>
    page === 'lost' || page === 'ERR_VMCORE_EXCLUDED' ? new Uint8Array(PAGE) : page,
  );
  t.strictSame(await readAll(buildKdump(shape), PAGE, { excluded: 'zeros' }), zeros);
  const core = await openVmcore(buildKdump(shape));
  t.throws(() => core.readPhysical(22 * PAGE, 1), {
    message: /pfn 22 is missing: .* the dump is incomplete/,
  });
  await core.close();
});

t.test('a file that is cut off', async (t) => {
  const file = buildKdump(plain);
  const whole = await readAll(file);
  const dataStart = file.length - PAGE * [...plain.pages.values()].filter((page) => page).length;
  for (const length of [file.length - 1, dataStart + PAGE, dataStart - 30, 5 * PAGE]) {
    const outcome = await readAll(file.subarray(0, length));
    const same = outcome.filter((page, i) => Buffer.from(String(page)).equals(Buffer.from(String(whole[i]))));
    t.ok(same.length < whole.length, `${length} bytes`);
    const other = outcome.filter((page) => !same.includes(page));
    t.ok(other.every((code) => code === 'ERR_VMCORE_NOT_PRESENT'));
  }
  for (const length of [8, 463, 464, 4096, 4199, 3 * PAGE - 1, 4 * PAGE - 1]) {
    await t.rejects(
      openVmcore(file.subarray(0, length)),
      { code: 'ERR_VMCORE_TRUNCATED' },
      `${length} bytes`,
    );
  }
});

t.test('damaged descriptors and pages', async (t) => {
  const far = buildKdump(plain).length;
  const cases: [string, NonNullable<KdumpShape['descriptor']>, RegExp][] = [
    ['size', (_, at) => ({ ...at, size: 4097, flags: 1 }), /pfn 4 is stored in 4097 bytes/],
    ['no size', (_, at) => ({ ...at, size: 0, flags: 1 }), /pfn 4 is stored in 0 bytes/],
    ['raw and short', (_, at) => ({ ...at, size: 100 }), /pfn 4 is stored raw in 100 bytes/],
    ['in the headers', (_, at) => ({ ...at, offset: 100 }), /pfn 4 is stored at offset 0x64/],
    ['negative', (_, at) => ({ ...at, offset: -4096 }), /pfn 4 is stored at offset 0xf+000/],
    ['flags', (_, at) => ({ ...at, flags: 0x80 }), /pfn 4 has unknown flags 0x80/],
    ['two codecs', (_, at) => ({ ...at, flags: 3 }), /pfn 4 has unknown flags 0x3/],
    ['no zlib', (_, at) => ({ ...at, flags: 1 }), /pfn 4 can't be decompressed/],
    ['no lzo', (_, at) => ({ ...at, flags: 2 }), /pfn 4 can't be decompressed/],
    ['no snappy', (_, at) => ({ ...at, flags: 4 }), /pfn 4 can't be decompressed/],
    ['no zstd', (_, at) => ({ ...at, flags: 0x20 }), /pfn 4 can't be decompressed/],
  ];
  for (const [name, change, message] of cases) {
    const core = await openVmcore(
      buildKdump({ ...plain, descriptor: (pfn, at) => (pfn === 4 ? change(pfn, at) : at) }),
    );
    t.throws(
      () => core.readPhysical(4 * PAGE, 1),
      { code: 'ERR_VMCORE_CORRUPT', message, address: 4 * PAGE },
      name,
    );
    t.same(core.readPhysical(5 * PAGE, PAGE), page(5), 'its neighbour');
    await core.close();
  }
  const core = await openVmcore(buildKdump({ ...plain, descriptor: (_, at) => ({ ...at, offset: far }) }));
  t.throws(() => core.readPhysical(4 * PAGE, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
  await core.close();
});

t.test('headers that contradict themselves', async (t) => {
  const good = buildKdump({ ...plain, notes: notePayload([vmcoreinfoNote(info)]) });
  const changed = (change: (file: Buffer) => void) => {
    const file = Buffer.from(good);
    change(file);
    return openVmcore(file);
  };
  const corrupt = { code: 'ERR_VMCORE_CORRUPT' };
  const cut = { code: 'ERR_VMCORE_TRUNCATED' };
  await t.rejects(
    changed((file) => file.writeInt32LE(7, 8)),
    corrupt,
    'version',
  );
  await t.rejects(
    changed((file) => file.writeInt32LE(5000, 428)),
    corrupt,
    'block size',
  );
  await t.rejects(
    changed((file) => file.writeInt32LE(0, 432)),
    corrupt,
    'sub header',
  );
  await t.rejects(
    changed((file) => file.writeInt32LE(0x7fffffff, 432)),
    cut,
    'sub header',
  );
  await t.rejects(
    changed((file) => file.writeUInt32LE(0, 436)),
    corrupt,
    'bitmaps',
  );
  await t.rejects(
    changed((file) => file.writeUInt32LE(0xffffffff, 436)),
    cut,
    'bitmaps',
  );
  await t.rejects(
    changed((file) => file.writeBigUInt64LE(1n << 62n, PAGE + 96)),
    corrupt,
    'max_mapnr_64',
  );
  await t.rejects(
    changed((file) => file.writeBigUInt64LE(1n << 40n, PAGE + 96)),
    corrupt,
    'max_mapnr_64',
  );
  await t.rejects(
    changed((file) => file.writeBigUInt64LE(1n << 40n, PAGE + 56)),
    corrupt,
    'size_note',
  );
  await t.rejects(
    changed((file) => file.writeBigUInt64LE(1n << 20n, PAGE + 56)),
    cut,
    'size_note',
  );
  await t.rejects(
    changed((file) => file.writeBigUInt64LE(1n << 63n, PAGE + 48)),
    corrupt,
    'offset_note',
  );
  await t.rejects(
    changed((file) => file.writeUInt8(0xff, 3 * PAGE)),
    { ...corrupt, message: /bitmaps contradict/ },
  );
});

t.test('split sets', async (t) => {
  const ranges = [
    { startPfn: 0, endPfn: 20 },
    { startPfn: 20, endPfn: 33 },
    { startPfn: 33, endPfn: 71 },
  ];
  const member = (split: KdumpShape['split'], more: Partial<KdumpShape> = {}) =>
    buildKdump({ ...plain, compression: () => 'lzo', split: split!, ...more });
  const [a, b, c] = ranges.map((range) => member(range)) as [Buffer, Buffer, Buffer];
  t.strictSame(await readAll([a, b, c]), expected());
  t.strictSame(await readAll([c, a, b]), expected(), 'in any order');
  const empty = member({ startPfn: 71, endPfn: 71 });
  t.strictSame(await readAll([empty, a, c, member({ startPfn: 20, endPfn: 20 }), b, empty]), expected());
  const missing = { code: 'ERR_VMCORE_TRUNCATED' };
  await t.rejects(openVmcore(empty), missing, 'none of its pages');
  await t.rejects(openVmcore([a, c]), { ...missing, message: /the one with pfns from 20 on, below 33/ });
  await t.rejects(openVmcore([b, c]), { ...missing, message: /pfns from 0 on/ });
  await t.rejects(openVmcore([a, b]), { ...missing, message: /pfns from 33 on, below 71/ });
  await t.rejects(openVmcore(a), missing, 'alone');
  const refused = { code: 'ERR_VMCORE_ARGUMENT' };
  await t.rejects(openVmcore([a, b, b, c]), refused, 'twice');
  await t.rejects(openVmcore([buildKdump(plain), b]), refused, 'a whole dump among them');
  await t.rejects(openVmcore([a, b, member(ranges[2], { machine: 'x86_64' })]), refused, 'of another dump');
  await t.rejects(openVmcore([a, Buffer.from('text')]), { code: 'ERR_VMCORE_FORMAT' });
  await t.rejects(openVmcore([]), refused);
});

t.test('damage anywhere gives coded errors, and ends', async () => {
  const good = buildKdump({
    ...plain,
    notes: notePayload([prstatus, vmcoreinfoNote(info)]),
    compression: (pfn) => codecNames[pfn % 5]!,
  });
  const place = fc.oneof(fc.nat(470), fc.integer({ min: PAGE, max: PAGE + 120 }), fc.nat(good.length - 1));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const file = Buffer.from(good);
        for (const [at, byte] of changes) file[at] = byte;
        try {
          const outcome = await readAll(file);
          return outcome.every((page) => page instanceof Uint8Array || /^ERR_VMCORE_/.test(String(page)));
        } catch (error) {
          return isVmcoreError(error);
        }
      },
    ),
    { numRuns: 400 },
  );
});
