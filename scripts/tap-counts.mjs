// Counts the tests in a TAP stream. A test is an innermost subtest, however many assertions it makes.
import { Parser } from 'tap-parser';

/** The points of `parser`, each with the points of the subtest that it closes. */
function collect(parser) {
  const points = [];
  let inner;
  parser.on('child', (child) => {
    inner = collect(child);
  });
  parser.on('assert', (result) => {
    points.push({ result, inner });
    inner = undefined;
  });
  return points;
}

function isSkipped({ result, inner }) {
  if (result.skip || result.todo) return true;
  return result.ok && inner !== undefined && inner.length > 0 && inner.every(isSkipped);
}

function addPoint(point, counts) {
  const before = counts.failed;
  if (point.inner?.some(({ inner }) => inner)) {
    for (const member of point.inner) {
      // Of assertions beside subtests only those count that make a difference.
      if (member.inner || !member.result.ok || isSkipped(member)) addPoint(member, counts);
    }
    // It failed as a whole: it timed out, or its process died.
    if (!point.result.ok && counts.failed === before) counts.failed++;
  } else if (isSkipped(point)) counts.skipped++;
  else if (point.result.ok) counts.passed++;
  else counts.failed++;
}

export function countTests(tap) {
  const parser = new Parser();
  const points = collect(parser);
  parser.end(tap);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const point of points) addPoint(point, counts);
  return counts;
}

export function formatCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
