import t from 'tap';
import { countCalls } from '../../benchmarks/support/strace.ts';

const CORE = '/cores/a core';

t.test('only calls on the core count, and unmaps of what was mapped of it', async (t) => {
  const trace = `
41  mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000
41  mmap(NULL, 99, PROT_READ, MAP_PRIVATE, 3</etc/ld.so.cache>, 0) = 0x7f0000008000
41  read(3</lib/libc.so.6>, ""..., 832) = 832
41  munmap(0x7f0000008000, 99)  = 0
41  read(3</cores/a core>, ""..., 4096) = 4096
41  mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</cores/a core>, 0) = 0x7f0000010000
41  munmap(0x7f0000010000, 4096) = 0
41  munmap(0x7f0000010000, 4096) = 0
41  mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</cores/a core>, 0x1000) = -1 EAGAIN (Resource temporarily unavailable)
41  pread64(3</cores/a core>, ""..., 4096, 8192) = 4096
41  pread64(3</cores/a core>, 0x55, 4096, 1) = -1 EIO (Input/output error)
41  read(4</cores/a core.copy>, ""..., 1) = 1
41  +++ exited with 0 +++`;
  t.same(countCalls(trace.split('\n'), CORE), { maps: 2, mapErrors: 1, unmaps: 1, reads: 3, readErrors: 1 });
});

t.test('a call that another thread interrupts is one call', async (t) => {
  const trace = `
7   mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</core>, 0 <unfinished ...>
8   read(3</core>,  <unfinished ...>
7   <... mmap resumed>)         = 0x7f0000010000
8   <... read resumed>""..., 16) = 16
8   munmap(0x7f0000010000, 4096 <unfinished ...>
7   munmap(0x7f0000010000, 4096) = 0
8   <... munmap resumed>)       = 0`;
  t.same(countCalls(trace.split('\n'), '/core'), {
    maps: 1,
    mapErrors: 0,
    unmaps: 1,
    reads: 1,
    readErrors: 0,
  });
});

t.test('an address that is used again for something else is not unmapped twice', async (t) => {
  const trace = `mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</core>, 0) = 0x7f0000010000
munmap(0x7f0000010000, 4096) = 0
mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000010000
munmap(0x7f0000010000, 4096) = 0`;
  t.match(countCalls(trace.split('\n'), '/core'), { maps: 1, unmaps: 1 });
});
