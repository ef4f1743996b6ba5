/** The golden hashes: of the recorded data in `test/data` and of generated logs, under the current version of the rules. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { rulesVersion } from '../../shared/field/rules.ts';
import type { LogEntry } from '../unit/field/support/field-log.ts';
import { hashFold } from './fold-hashes.ts';
import { generateLog } from './generated-log.ts';

/** Relative to the project's folder, in which the tests run: the bundle that CI runs is somewhere else. */
export const goldenFile = 'test/golden/hashes.json';

export function computeGoldenHashes() {
  return {
    rulesVersion,
    earthquakes: hashFold(readLog('test/data/earthquakes.ndjson'), 500),
    concurrentCells: hashFold(readLog('test/data/concurrent-cells.ndjson.gz'), 5000),
    fewParticles: hashFold(generateLog({ seed: 1, length: 10_000, ids: 12 }), 1000),
    manyParticles: hashFold(generateLog({ seed: 2, length: 20_000, ids: 1400 }), 2500),
  };
}

/** Reads recorded updates without the schema, which the engines that are compared do not need. Log time is the timestamp. */
function readLog(path: string): LogEntry[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { device, ...update } = JSON.parse(line);
      return { device, update: { seen: 0, ...update }, time: update.timestamp };
    });
}
