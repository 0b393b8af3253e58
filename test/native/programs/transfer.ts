// Transfers windows away and unmaps their region: what was transferred stays readable, and is unmapped once it is
// garbage. Prints a line of JSON. On Node.js 20 it needs the flag for ArrayBuffer.prototype.transfer.
import { closeSync, openSync } from 'node:fs';
import { native } from '../../../lib/access/native.ts';
import { collect, collectUntil, mappingsOf, PAGE, transfer } from '../support.ts';

const path = process.argv[2]!;
const fd = openSync(path, 'r');
const source = native().source(fd);

function unmapAfterTransfer() {
  const region = source.map(0, 2 * PAGE);
  const stays = region.window(0, PAGE);
  const goes = region.window(PAGE, PAGE);
  const moved = transfer(goes);
  region.unmap();
  return {
    stays: stays.byteLength,
    goes: goes.byteLength,
    moved: moved.byteLength,
    byte: new Uint8Array(moved)[3],
    mappings: mappingsOf(path),
    mapped: native().mappedBytes(),
  };
}

async function unmapAfterCollection() {
  const region = source.map(0, PAGE);
  const moved = (() => transfer(region.window(0, PAGE)))();
  await collect();
  const before = native().mappedBytes();
  region.unmap();
  return { byte: new Uint8Array(moved)[3], before, after: native().mappedBytes() };
}

async function unmappedAtEnd() {
  await collectUntil(() => native().mappedBytes() === 0);
  return { mappings: mappingsOf(path), mapped: native().mappedBytes() };
}

const afterTransfer = unmapAfterTransfer();
const afterTransferAtEnd = await unmappedAtEnd();
const afterCollection = await unmapAfterCollection();
const afterCollectionAtEnd = await unmappedAtEnd();
closeSync(fd);
console.log(JSON.stringify({ afterTransfer, afterTransferAtEnd, afterCollection, afterCollectionAtEnd }));
