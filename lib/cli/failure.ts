import { isVmcoreError, type VmcoreErrorCode } from '../errors.ts';
import { UsageError } from './args.ts';
import type { Output } from './output.ts';
import { Interrupted } from './signals.ts';

/** Exit status when the command line is wrong. */
const USAGE_STATUS = 2;

/** What a person can do about it; codes whose message says all are not here. */
const hints: Partial<Record<VmcoreErrorCode, string>> = {
  ERR_VMCORE_EXISTS: 'use -f to replace it',
  ERR_VMCORE_TRUNCATED: 'the copy is shorter than the core was: copy it again',
  ERR_VMCORE_NO_VMCOREINFO:
    'without it only the raw memory can be read; -x VMLINUX makes it, -i FILE gives it',
  ERR_VMCORE_NO_SPACE: 'free some space, or drop more pages with a higher -d',
  ERR_VMCORE_CODEC: "choose another compression, see 'vmcore dump --help'",
};

/** Says on stderr (and with --json on stdout too) what went wrong. Returns the exit status. */
export async function reportFailure(error: unknown, signal: AbortSignal, output: Output): Promise<number> {
  if (signal.aborted && signal.reason instanceof Interrupted) {
    output.note(`vmcore: ${signal.reason.message}`);
    await printJson({ message: signal.reason.message }, output);
    return signal.reason.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  output.note(`vmcore: ${message}`);
  if (error instanceof UsageError) {
    output.note("Try 'vmcore --help'.");
    await printJson({ message }, output);
    return error.exitStatus ?? USAGE_STATUS;
  }
  const code = isVmcoreError(error) ? error.code : undefined;
  const hint = code && hints[code];
  if (hint) output.note(`hint: ${hint}`);
  if (process.env.VMCORE_DEBUG && error instanceof Error) output.note(`${error.stack}${causes(error)}`);
  await printJson({ code, message, hint }, output);
  return output.failureStatus;
}

async function printJson(error: object, output: Output): Promise<void> {
  // A result that tells of what failed is the one value that is printed. When stdout is what failed, stderr has said it already.
  if (output.json && !output.hasPrintedJson) await output.printJson({ error }).catch(() => {});
}

function causes(error: Error): string {
  return error.cause instanceof Error ? `\ncaused by ${error.cause.stack}${causes(error.cause)}` : '';
}
