#!/usr/bin/env node
// `vmcore makedumpfile` as a program of its own, for scripts that know only the name of the program they run.
process.argv.splice(2, 0, 'makedumpfile');
await import('./main.ts');
