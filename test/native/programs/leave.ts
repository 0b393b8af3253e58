// Ends with windows open, in the way that the last argument names.
import { openSync } from 'node:fs';
import { native } from '../../../lib/access/native.ts';

const [path, how] = process.argv.slice(2);
const source = native().source(openSync(path!, 'r'));
const page = native().pageSize;
const windows = Array.from({ length: 100 }, (_, i) => source.map(i * page, page).window(0, page));
process.on('exit', () => console.log(new Uint8Array(windows[99]!)[0]));
if (how === 'exit') process.exit(0);
if (how === 'throw') throw new Error('on purpose');
