/** Prepares fields for a measurement, and waits until updates are applied. */
import type { FieldId } from '../../shared/field/ids.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { runClosedLoop } from './closed-loop.ts';
import { createUpdates, createWriters, encodePost, moveParticle, type Writer } from './writers.ts';

const perRequest = 100;
const maxConnections = 32;
/** Counting the updates of many fields takes milliseconds of the database's CPU, which the measured stack needs. */
const manyFields = 1000;

/** Adds `particles` particles to each field: to one field from one device, to many from several, so that it takes seconds. */
export async function seedFields(stack: BenchStack, fields: readonly FieldId[], particles: number): Promise<void> {
  const chunk = Math.min(perRequest, particles);
  const requestsPerField = Math.ceil(particles / chunk);
  const connections = Math.min(maxConnections, fields.length);
  const writers = await createWriters(connections);
  // Connections differ in speed, so each takes the next chunk of all instead of having fields of its own.
  let taken = 0;
  await runClosedLoop({
    urls: stack.addresses,
    connections,
    requests: fields.length * requestsPerField,
    expects: 202,
    next: (connectionIndex) => {
      const writer = writers[connectionIndex] as Writer;
      const field = fields[Math.floor(taken / requestsPerField)] as FieldId;
      const start = (taken % requestsPerField) * chunk;
      taken += 1;
      const make = moveParticle(particles);
      const updates = createUpdates(writer, field, Math.min(chunk, particles - start), (counter, index) => ({
        ...make(counter, 0),
        ...{ id: `star-${start + index}` },
      }));
      return encodePost(writer, field, updates);
    },
  });
  await waitUntilApplied(stack, fields, fields.length * particles);
}

/** The sum of the fields' versions. */
export async function countApplied({ db }: BenchStack, fields: readonly FieldId[]): Promise<number> {
  const { rows } = await db.query<{ sum: string }>(
    'SELECT coalesce(sum(version), 0) AS sum FROM consciousness_states WHERE field_id = ANY($1)',
    [fields],
  );
  return Number(rows[0]?.sum);
}

/** Waits until the fields have applied `count` updates in total. */
export async function waitUntilApplied(stack: BenchStack, fields: readonly FieldId[], count: number): Promise<void> {
  const isDone = async () => (await countApplied(stack, fields)) >= count;
  const intervalMs = fields.length > manyFields ? 100 : 20;
  await waitUntil(`${count} updates are applied`, isDone, { timeoutMs: 120_000, intervalMs });
}
