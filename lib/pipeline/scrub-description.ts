import type { ScrubPlan } from '../filter/scrub-plan.ts';
import { ERASED } from '../formats/erased.ts';
import type { CoreDescription } from './dump-context.ts';

/** A description that holds no copy of what is scrubbed, and tells of it. */
export function scrubDescription(
  description: CoreDescription,
  { secrets, trail }: ScrubPlan,
): CoreDescription {
  if (trail.length === 0) return description;
  const { headers } = description;
  const notes = without(headers.notes, secrets);
  const utsname = without(headers.utsname, secrets);
  const eraseinfo = Buffer.concat([headers.eraseinfo ?? new Uint8Array(0), trail]);
  return { ...description, headers: { ...headers, notes, utsname, eraseinfo } };
}

/** The same bytes with everything that is one of `secrets` overwritten. */
function without(bytes: Uint8Array, secrets: readonly Uint8Array[]): Uint8Array {
  const original = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // Secrets may overlap: none is looked for in what another one left.
  const copy = Buffer.from(bytes);
  for (const secret of secrets) {
    for (let at = original.indexOf(secret); at >= 0; at = original.indexOf(secret, at + 1)) {
      copy.fill(ERASED, at, at + secret.length);
    }
  }
  return copy;
}
