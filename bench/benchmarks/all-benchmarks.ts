/** All benchmarks, in the order in which they run. */
import { batchLane } from '../batch/batch-lane.ts';
import { enqueueFiles } from '../batch/enqueue-files.ts';
import type { Bench } from '../bench.ts';
import { page } from '../browser/page.ts';
import { idle } from '../idle/idle.ts';
import { rivals } from '../rivals/rivals.ts';
import { scaleOut } from '../scale/scale-out.ts';
import { sockets } from '../scale/sockets.ts';
import { compression } from './compression.ts';
import { fanOut } from './fan-out.ts';
import { growth } from './growth.ts';
import { ingest } from './ingest.ts';
import { latency } from './latency.ts';
import { overload } from './overload.ts';
import { presence } from './presence.ts';
import { reads } from './reads.ts';
import { regions } from './regions.ts';
import { writeThrough } from './write-through.ts';

export const benchmarks: readonly Bench[] = [
  ingest,
  writeThrough,
  reads,
  latency,
  enqueueFiles,
  batchLane,
  fanOut,
  presence,
  sockets,
  regions,
  compression,
  page,
  growth,
  overload,
  scaleOut,
  idle,
  rivals,
];
