/**
 * `npm run golden`: compares the golden hashes with the folds of this Node version, and exits with 1 if any differs.
 * `npm run golden -- --write` stores them, for a new version of the rules.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { computeGoldenHashes, goldenFile } from './golden.ts';

const actual = `${JSON.stringify(computeGoldenHashes(), null, 2)}\n`;
if (process.argv.includes('--write')) writeFileSync(goldenFile, actual);
const lines = actual.split('\n');
const expected = readFileSync(goldenFile, 'utf8').split('\n');
const differences = lines.filter((line, index) => line !== expected[index]);
for (const line of differences) console.error(`differs: ${line.trim()}`);
const isEqual = differences.length === 0 && lines.length === expected.length;
const hashes = lines.filter((line) => /[0-9a-f]{64}/.test(line)).length;
console.log(`Node ${process.version}: ${isEqual ? 'all' : 'not all'} ${hashes} golden hashes are equal`);
process.exitCode = isEqual ? 0 : 1;
