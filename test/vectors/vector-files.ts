/**
 * The conformance vectors: what this implementation does, as JSON, so that clients and servers in other languages can be
 * compared with it. docs/other-clients.md describes each file.
 */
import { rulesVersion } from '../../shared/field/rules.ts';
import { formatJson } from './format-json.ts';
import { createClockVectors } from './kinds/clock.ts';
import { createDynamicsVectors } from './kinds/dynamics.ts';
import { createExchangeVectors } from './kinds/exchanges.ts';
import { createHistoryVectors } from './kinds/history.ts';
import { createMergeVectors } from './kinds/merge.ts';
import { createOptimisticVectors } from './kinds/optimistic.ts';
import { createOutboxVectors } from './kinds/outbox.ts';
import { createStreamVectors } from './kinds/stream.ts';
import { createValidationVectors } from './kinds/validation.ts';

/** Increase it when the shape of the files changes, so that a reader of another version refuses them. */
const formatVersion = 1;

const kinds: Readonly<Record<string, () => object | Promise<object>>> = {
  clock: createClockVectors,
  dynamics: createDynamicsVectors,
  exchanges: createExchangeVectors,
  history: createHistoryVectors,
  merge: createMergeVectors,
  optimistic: createOptimisticVectors,
  outbox: createOutboxVectors,
  stream: createStreamVectors,
  validation: createValidationVectors,
};

/** @returns the text of each file by its path */
export async function renderVectorFiles(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [kind, create] of Object.entries(kinds)) {
    const content = { kind, format: formatVersion, rules: rulesVersion, ...(await create()) };
    // Without what JSON does not have, such as undefined.
    files[`docs/vectors/${kind}.json`] = `${formatJson(JSON.parse(JSON.stringify(content)))}\n`;
  }
  return files;
}
