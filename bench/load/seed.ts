/** Prepares fields for a measurement, and waits until updates are applied. */
import type { FieldId } from '../../shared/field/ids.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { runClosedLoop } from './closed-loop.ts';
import { createUpdates, createWriters, encodePost, moveParticle } from './writers.ts';

const perRequest = 100;

/** Adds `particles` particles to each field, from a device of its own. */
export async function seedFields(stack: BenchStack, fields: readonly FieldId[], particles: number): Promise<void> {
  const [writer] = await createWriters(1);
  if (!writer) return;
  const chunk = Math.min(perRequest, particles);
  const requestsPerField = Math.ceil(particles / chunk);
  await runClosedLoop({
    urls: stack.addresses,
    connections: 1,
    requests: fields.length * requestsPerField,
    expects: 202,
    next: (_, requestIndex) => {
      const field = fields[Math.floor(requestIndex / requestsPerField)] ?? ('' as FieldId);
      const make = moveParticle(particles);
      const updates = createUpdates(
        writer,
        field,
        Math.min(chunk, particles - (requestIndex % requestsPerField) * chunk),
        (counter) => ({
          ...make(counter, 0),
          ...{ id: `star-${counter - 1}` },
        }),
      );
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
  await waitUntil(`${count} updates are applied`, isDone, { timeoutMs: 120_000, intervalMs: 20 });
}
