/** How long single requests take: reading a small state, and sending an update until it is applied. */
import type { FieldId } from '../../shared/field/ids.ts';
import { encodeRequest, HttpConnection } from '../load/http-connection.ts';
import { createUpdates, createWriters, moveParticle } from '../load/writers.ts';
import { percentile } from '../measure/statistics.ts';

interface ProbeOptions {
  readonly url: string;
  readonly fields: readonly FieldId[];
  /** Particles of each field. */
  readonly particles: number;
  /** How many requests of each kind are measured. */
  readonly count: number;
}

/** In ms. */
export interface ProbeTimes {
  readonly read: readonly [p50: number, p99: number];
  readonly applied: readonly [p50: number, p99: number];
}

/** Sends one request after the other, over one connection and to one field after the other. */
export async function probe({ url, fields, particles, count }: ProbeOptions): Promise<ProbeTimes> {
  const [writer] = await createWriters(1);
  if (!writer) throw new Error('there is no writer');
  const { token } = writer;
  const connection = await HttpConnection.open(url);
  const measure = async (request: Buffer): Promise<number> => {
    const startedAt = performance.now();
    const { status, body } = await connection.send(request);
    if (status !== 200) throw new Error(`unexpected status ${status}: ${body.toString('utf8', 0, 300)}`);
    return performance.now() - startedAt;
  };
  const [read, applied]: [number[], number[]] = [[], []];
  try {
    for (let number = -warmUps; number < count; number++) {
      const field = fields[(number + warmUps) % fields.length] as FieldId;
      const updates = createUpdates(writer, field, 1, moveParticle(particles));
      const path = `/api/fields/${field}`;
      const readMs = await measure(encodeRequest({ path, token }));
      const body = JSON.stringify({ updates });
      const appliedMs = await measure(
        encodeRequest({ path: `${path}/updates`, token, body, headers: 'prefer: wait=20\r\n' }),
      );
      if (number < 0) continue;
      read.push(readMs);
      applied.push(appliedMs);
    }
  } finally {
    connection.close();
  }
  return { read: p50AndP99(read), applied: p50AndP99(applied) };
}

/** Of each kind, before the measured ones. */
const warmUps = 20;

const p50AndP99 = (times: readonly number[]): [number, number] => [percentile(times, 0.5), percentile(times, 0.99)];
