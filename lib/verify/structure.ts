import { isVmcoreError } from '../errors.ts';
import type { FileFindings } from './findings.ts';

/**
 * Takes what a parser threw for what is wrong with a file.
 * @param size bytes from the error's offset on that are wrong together.
 * @throws the error where it says nothing of the file: that it is no dump, or could not be read.
 */
export function reportStructure(error: unknown, findings: FileFindings, size: number): void {
  if (!isVmcoreError(error)) throw error;
  if (error.code === 'ERR_VMCORE_TRUNCATED') {
    findings.missing(error.message, error.offset);
    return;
  }
  const place = { offset: error.offset ?? 0, size };
  const isCutOff = error.code === 'ERR_VMCORE_FORMAT' && findings.isUnwritten(place);
  if (error.code !== 'ERR_VMCORE_CORRUPT' && !isCutOff) throw error;
  findings.damaged(error.message, place);
}
