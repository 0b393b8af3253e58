// Turns a TAP stream into a line for each file, what failed or was skipped in it, and counts of the tests.
// A test is an innermost subtest, however many assertions it makes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Parser } from 'tap-parser';
import { root } from './setup.mjs';

/** What tap says beside what tests say: which subtest begins, how long it took, how many failed. */
const OF_TAP = /^# (Subtest|time=|skip:|failed |todo:|\{ )/;

/** The points of `parser` as they come, each with the points of the subtest that it closes; `comments` gets what tests say. */
function collect(parser, comments, onPoint = () => {}) {
  const points = [];
  let inner;
  parser.on('comment', (line) => {
    if (!OF_TAP.test(line)) comments.push(line.trimEnd());
  });
  parser.on('child', (child) => {
    inner = collect(child, comments);
  });
  parser.on('assert', (result) => {
    const point = { result, inner };
    inner = undefined;
    points.push(point);
    onPoint(point);
  });
  return points;
}

function isSkipped({ result, inner }) {
  if (result.skip || result.todo) return true;
  return result.ok && inner !== undefined && inner.length > 0 && inner.every(isSkipped);
}

function reasonOf({ result, inner }) {
  const reason = result.skip || result.todo;
  if (typeof reason === 'string') return reason;
  return inner?.length ? reasonOf(inner[0]) : result.name;
}

/** Sorts the tests in `point` into passed, failed and skipped, as { name, point }. */
function sortTests(point, name, tests) {
  const failedBefore = tests.failed.length;
  if (point.inner?.some(({ inner }) => inner)) {
    for (const member of point.inner) {
      // Of assertions beside subtests only those count that make a difference.
      const counts = member.inner || !member.result.ok || isSkipped(member);
      if (counts) sortTests(member, `${name} > ${member.result.name}`, tests);
    }
    // It failed as a whole: it timed out, or its process died.
    if (!point.result.ok && tests.failed.length === failedBefore) tests.failed.push({ name, point });
  } else if (isSkipped(point)) tests.skipped.push({ name, point });
  else tests[point.result.ok ? 'passed' : 'failed'].push({ name, point });
}

/** What is known of a failure: the diagnostics of the assertions in it, else its own. */
function* diagnostics({ result, inner }) {
  const failures = inner?.filter((member) => !member.result.ok) ?? [];
  if (failures.length > 0) for (const member of failures) yield* diagnostics(member);
  else {
    yield result.name;
    for (const [key, value] of Object.entries(result.diag ?? {})) {
      if (key === 'source' || key === 'command' || key === 'args') continue;
      yield `${key}: ${typeof value === 'string' ? value.trimEnd() : JSON.stringify(value)}`;
    }
  }
}

function indent(text) {
  return text.replace(/^/gm, '      ');
}

export function formatCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** A stream to pipe TAP to. `print` is given each line of the report; `counts` is complete when the stream has ended. */
export function testReport(print) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const parser = new Parser();
  const comments = [];
  collect(parser, comments, (point) => {
    const tests = { passed: [], failed: [], skipped: [] };
    const { name, time } = point.result;
    sortTests(point, name, tests);
    for (const kind of Object.keys(counts)) counts[kind] += tests[kind].length;
    const seconds = time ? `, ${(time / 1000).toFixed(1)} s` : '';
    print(`${point.result.ok ? 'ok  ' : 'FAIL'} ${name}: ${tests.passed.length} passed${seconds}`);
    for (const comment of comments.splice(0)) print(`  ${comment}`);
    for (const { name, point } of tests.skipped) print(`  skipped: ${name}: ${reasonOf(point)}`);
    for (const { name, point } of tests.failed) {
      print(`  failed: ${name}`);
      for (const line of diagnostics(point)) print(indent(line));
    }
  });
  parser.on('extra', (line) => print(line.trimEnd()));
  return { stream: parser, counts };
}

/** Runs a program whose standard output is TAP, prints the report and the line of counts, and sets the exit status. */
export async function report(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const { stream, counts } = testReport((line) => console.log(line));
  child.stdout.pipe(stream);
  const [status] = await once(child, 'close');
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  process.exitCode = counts.failed === 0 ? 0 : 1;
  console.log(`\n${formatCounts(counts)}`);
}
