// Reads a string of the dead kernel by the name of its symbol: node read-symbol.js VMCORE
import { openVmcore } from 'vmcore';

const path = process.argv[2];
if (!path) throw new Error('usage: read-symbol.js VMCORE');

await using core = await openVmcore(path);
// struct new_utsname begins after the reference count of struct uts_namespace.
const symbol = core.vmcoreinfo.symbol('init_uts_ns');
const offset = core.vmcoreinfo.offset('uts_namespace.name');
if (symbol === undefined || offset === undefined) throw new Error('VMCOREINFO does not export init_uts_ns');

const name = symbol + BigInt(offset);
// sysname, nodename, release, version, machine and domainname are 65 bytes each.
for (let field = 0; field < 6; field++) console.log(core.readCString(name + BigInt(65 * field)));
console.log(
  `init_uts_ns is at 0x${symbol.toString(16)}, in page ${Math.floor(core.translate(symbol) / core.pageSize)}`,
);
