import { openSources } from '../access/open-source.ts';
import type { CoreRecipe, OpenedCore } from './core-file.ts';
import { openCoreFile } from './detect.ts';

/**
 * Opens a core by what it contains. Closing the source of what is returned closes all its files.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_FORMAT, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT; the signal's reason.
 */
export async function openCore(recipe: CoreRecipe, signal?: AbortSignal): Promise<OpenedCore> {
  const files = openSources(recipe.sources, recipe.pageTableBudget);
  try {
    const core = await openCoreFile(files, { ...recipe, signal });
    return {
      ...core,
      recipe,
      fileSize: files.reduce((sum, { size }) => sum + size, 0),
      // In an ELF core, memory without data may also be memory that was never there.
      excluded: recipe.excluded ?? (core.format === 'kdump' ? 'error' : 'zeros'),
    };
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}
