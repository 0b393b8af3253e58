import { notesEnd } from '../formats/notes.ts';
import type { FileFindings } from './findings.ts';

/** Whether the payload of a dump's notes, which lies at `offset`, has notes and nothing else. */
export function checkNotePayload(
  payload: Uint8Array,
  littleEndian: boolean,
  offset: number,
  findings: FileFindings,
): void {
  const end = notesEnd(payload, littleEndian);
  const size = payload.length;
  if (payload.subarray(end).some((byte) => byte !== 0)) {
    findings.damaged('what is here is no note', { offset: offset + end, size: size - end });
  } else if (size > 0 && end === 0) {
    findings.damaged(`there is no note in ${size} bytes of notes`, { offset, size });
  }
}
