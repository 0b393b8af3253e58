import t from 'tap';
import { parsePerfReport, summarise } from '../../benchmarks/profile/symbols.ts';

t.test('functions of the program, of the kernel and of JavaScript in all its tiers', async (t) => {
  const report = `# Samples: 250  of event 'cpu-clock'
#
136        |[JIT] tid 11611     |[.] JS:*encode file:///somewhere/dist/lib/pipeline/encode.js:56:11
 12        |[JIT] tid 11611     |[.] JS:~encode file:///somewhere/dist/lib/pipeline/encode.js:56:11
  3        |[JIT] tid 11611     |[.] JS:^ node:internal/streams/writable:1:2
100        |[kernel.kallsyms]   |[k] copy_folio_from_iter_atomic
 71        |libc.so.6           |[.] __memmove_avx512_unaligned_erms
  5        |node                |[.] v8::internal::Heap::Scavenge(int)
`;
  t.same(parsePerfReport(report), [
    { where: 'user', object: 'lib/pipeline/encode.js', symbol: 'encode', samples: 148 },
    { where: 'kernel', object: 'kernel', symbol: 'copy_folio_from_iter_atomic', samples: 100 },
    { where: 'user', object: 'libc.so.6', symbol: '__memmove_avx512_unaligned_erms', samples: 71 },
    { where: 'user', object: 'node', symbol: 'v8::internal::Heap::Scavenge(int)', samples: 5 },
    { where: 'user', object: 'node:internal/streams/writable', symbol: '(anonymous)', samples: 3 },
  ]);
  t.same(parsePerfReport('# no samples\n'), []);
});

t.test("V8's own profile, by function, without idle time", async (t) => {
  const node = (functionName: string, url: string, hitCount: number) => ({
    callFrame: { functionName, url },
    hitCount,
  });
  const nodes = [
    node('(root)', '', 0),
    node('(idle)', '', 90),
    node('(garbage collector)', '', 2),
    node('judge', 'file:///x/dist/lib/filter/page-scan.js', 5),
    node('judge', 'file:///x/dist/lib/filter/page-scan.js', 6),
    node('', 'file:///x/node_modules/zstd-napi/index.js', 1),
  ];
  t.same(summarise({ nodes }), [
    { where: 'unknown', object: 'lib/filter/page-scan.js', symbol: 'judge', samples: 11 },
    { where: 'unknown', object: 'node', symbol: '(garbage collector)', samples: 2 },
    { where: 'unknown', object: 'zstd-napi/index.js', symbol: '(anonymous)', samples: 1 },
  ]);
});
