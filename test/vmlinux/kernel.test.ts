// Of a real vmlinux: what makedumpfile -g makes of it, and what its kernel itself exported.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeVmcoreinfo, openVmcore } from '../../lib/index.ts';
import { labCore } from '../support/cores.ts';
import { makedumpfileVersion } from '../support/makedumpfile.ts';
import { labDir, oracle, programs, run } from '../support/oracles.ts';
import { differenceFromMakedumpfile } from './makedumpfile-lines.ts';

t.setTimeout(300_000);

/** It takes half a minute, so it is kept beside the cores. */
async function makedumpfilesText(vmlinux: string, buildId: string): Promise<string> {
  const version = /version (\S+)/.exec(await makedumpfileVersion())?.[1] ?? '';
  const kept = join(labDir, `.vmcoreinfo-${buildId}-${version}`);
  if (!existsSync(kept)) {
    await run(programs.makedumpfile, ['-g', `${kept}.part`, '-x', vmlinux]);
    renameSync(`${kept}.part`, kept);
  }
  return readFileSync(kept, 'utf8');
}

/**
 * What a kernel finds out when it runs, what is only a macro, and names that are another's macro: of what it exports no
 * more than that is not in a vmlinux.
 */
const NOT_IN_VMLINUX = [
  'SYMBOL(node_online_map)',
  'SYMBOL(swapper_pg_dir)',
  'LENGTH(mem_section)',
  'NUMBER(SECTION_SIZE_BITS)',
  'NUMBER(MAX_PHYSMEM_BITS)',
  'NUMBER(phys_base)',
  'NUMBER(pgtable_l5_enabled)',
  'KERNELOFFSET',
  'NUMBER(KERNEL_IMAGE_SIZE)',
  'NUMBER(sme_mask)',
  'CRASHTIME',
];

t.test('the lines of makedumpfile -g, and those that the kernel exported', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
  const progress: number[] = [];
  const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) =>
    progress.push(bytes / totalBytes);
  const made = await makeVmcoreinfo(lab.vmlinux, { onProgress });
  t.ok(progress.length > 4 && progress.at(-1)! < 0.6, 'it ends when all is found');
  const theirs = await makedumpfilesText(lab.vmlinux, made.buildId ?? '');
  t.same(differenceFromMakedumpfile(made.text, theirs), []);

  await using core = await openVmcore(lab.path);
  const exported = core.vmcoreinfo;
  const moved = exported.address('KERNELOFFSET')!;
  const missing: string[] = [];
  for (const [key, value] of exported.entries()) {
    const ours = made.get(key);
    if (ours === undefined) missing.push(key);
    else if (key === 'SYMBOL(mem_section)')
      t.ok(made.symbol('mem_section'), 'where the pointer is, and not it');
    else if (key.startsWith('SYMBOL')) t.equal(BigInt(`0x${ours}`) + moved, BigInt(`0x${value}`), key);
    else t.equal(ours, value, key);
  }
  t.same(missing, NOT_IN_VMLINUX);
});
