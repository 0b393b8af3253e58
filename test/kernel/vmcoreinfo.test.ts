// VMCOREINFO: how its lines are read.
import t from 'tap';
import { readVmcoreinfo, Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';

function info(...lines: string[]): Vmcoreinfo {
  return new Vmcoreinfo(['OSRELEASE=6.2.0-1-amd64', 'PAGESIZE=4096', ...lines].join('\n'));
}

const corrupt = { code: 'ERR_VMCORE_CORRUPT' };

t.test('what is of a key', async (t) => {
  const it = info(
    'BUILD-ID=0123abcd',
    'CRASHTIME=1700000000',
    'SYMBOL(_stext)=ffffffff81000000',
    'SIZE(page)=64',
    'OFFSET(page.flags)=0',
    'LENGTH(zone.free_area)=11',
    'NUMBER(phys_base)=-54525952',
    'KERNELOFFSET=34000000',
    'CONFIG_X86_PAE=y',
  );
  t.equal(it.osrelease, '6.2.0-1-amd64');
  t.equal(it.pageSize, 4096);
  t.equal(it.buildId, '0123abcd');
  t.equal(it.crashTime, 1700000000);
  t.equal(it.symbol('_stext'), 0xffffffff81000000n);
  t.equal(it.size('page'), 64);
  t.equal(it.offset('page.flags'), 0, '0 is a value');
  t.equal(it.length('zone.free_area'), 11);
  t.equal(it.number('phys_base'), -54525952);
  t.equal(it.address('KERNELOFFSET'), 0x34000000n);
  t.equal(it.get('CONFIG_X86_PAE'), 'y');
  t.same(
    [...it.entries()].slice(0, 3).map(([key]) => key),
    ['OSRELEASE', 'PAGESIZE', 'BUILD-ID'],
  );
});

t.test('what is absent is undefined', async (t) => {
  const it = info();
  t.same(
    [
      it.symbol('x'),
      it.size('x'),
      it.offset('x'),
      it.length('x'),
      it.number('x'),
      it.bignum('x'),
      it.address('x'),
    ],
    Array(7).fill(undefined),
  );
  t.same([it.buildId, it.crashTime, it.get('x')], [undefined, undefined, undefined]);
});

t.test('a symbol of value 0 does not exist', async (t) => {
  t.equal(info('SYMBOL(node_data)=0').symbol('node_data'), undefined);
});

t.test('the first line of a key counts', async (t) => {
  t.equal(info('SIZE(page)=64', 'SIZE(page)=56').size('page'), 64);
});

t.test('a key is all that stands before the first =', async (t) => {
  const it = info('SIZE(pages)=1', 'XSIZE(page)=2', 'SIZE(page)=3', 'A=b=c');
  t.equal(it.size('page'), 3);
  t.equal(it.get('A'), 'b=c');
});

t.test('lines without key, without =, or with a carriage return', async (t) => {
  const it = info('', '=5', 'no line', 'SIZE(page)=64\r', '\0\0\0');
  t.equal(it.size('page'), 64);
  t.same([...it.entries()].length, 3);
});

t.test('numbers are decimal, or hexadecimal where they can be nothing else', async (t) => {
  t.equal(info('NUMBER(x)=10').number('x'), 10);
  t.equal(info('NUMBER(x)=0x10').number('x'), 16);
  t.equal(info('NUMBER(x)=ff').number('x'), 255);
  t.equal(info('NUMBER(VMALLOC_START)=0xffa0000000000000').bignum('VMALLOC_START'), 0xffa0000000000000n);
  t.equal(info('SYMBOL(x)=10').symbol('x'), 16n, 'symbols are always hexadecimal');
});

t.test('what is no number', async (t) => {
  for (const text of ['', '12 34', '0x', '1.5', 'zz', '--1', '-0x1', '0x10000000000000000', '9'.repeat(21)]) {
    t.throws(() => info(`NUMBER(x)=${text}`).number('x'), corrupt, `'${text}'`);
  }
  t.throws(() => info('SYMBOL(x)=-1').symbol('x'), corrupt);
  t.throws(() => info('SYMBOL(x)=ffffffff81000000 T').symbol('x'), corrupt);
});

t.test('what does not fit', async (t) => {
  const big = (2n ** 53n).toString();
  t.throws(() => info(`NUMBER(x)=${big}`).number('x'), {
    ...corrupt,
    message: /NUMBER\(x\) does not fit 53 bits/,
  });
  t.equal(info(`NUMBER(x)=${big}`).bignum('x'), 2n ** 53n);
  t.equal(info('NUMBER(x)=-9223372036854775808').bignum('x'), -(2n ** 63n));
  t.throws(() => info('NUMBER(x)=18446744073709551616').bignum('x'), corrupt, 'more than 64 bits');
  t.throws(() => info('NUMBER(x)=-9223372036854775809').bignum('x'), corrupt);
  t.throws(() => info('SIZE(page)=-64').size('page'), { ...corrupt, message: /SIZE\(page\) is negative/ });
});

t.test('without release or page size it is no VMCOREINFO', async (t) => {
  t.throws(() => new Vmcoreinfo(''), { ...corrupt, message: /OSRELEASE is missing/ });
  t.throws(() => new Vmcoreinfo('PAGESIZE=4096\n'), { ...corrupt, message: /OSRELEASE is missing/ });
  t.throws(() => new Vmcoreinfo('OSRELEASE=\nPAGESIZE=4096\n'), {
    ...corrupt,
    message: /OSRELEASE is missing/,
  });
  t.throws(() => new Vmcoreinfo('OSRELEASE=6.2\n'), { ...corrupt, message: /PAGESIZE is missing/ });
  for (const size of ['0', '-4096', '4095', '2048', '5000', '1048576', 'x', '4096x'])
    t.throws(
      () => new Vmcoreinfo(`OSRELEASE=6.2\nPAGESIZE=${size}`),
      { ...corrupt, message: /PAGESIZE/ },
      size,
    );
});

t.test('a note that is none, or can not be used, is an error that says so', async (t) => {
  t.match(readVmcoreinfo(undefined, 'core'), { code: 'ERR_VMCORE_NO_VMCOREINFO', file: 'core' });
  const noise = readVmcoreinfo(
    Uint8Array.from({ length: 300 }, (_, i) => i),
    'core',
  );
  t.match(noise, { code: 'ERR_VMCORE_NO_VMCOREINFO', file: 'core', cause: { code: 'ERR_VMCORE_CORRUPT' } });
});
