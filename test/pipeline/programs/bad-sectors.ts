// To be imported before a program, in all of its threads: a file from 8 MiB on can neither be mapped nor, in every 16th
// page, be read.
import { injectFaults } from '../../support/faulty-addon.ts';

const START = 8 << 20;
const PAGE = 4096;

injectFaults({
  map: ({ position, length }) => (position + length > START ? 'EIO' : undefined),
  pread: ({ position, length }) => {
    const first = Math.max(position, START);
    const nextBad = Math.ceil(first / (16 * PAGE)) * 16 * PAGE;
    const isBad = first % (16 * PAGE) < PAGE || nextBad < position + length;
    return isBad && position + length > START ? 'EIO' : undefined;
  },
});
