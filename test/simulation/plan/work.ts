/** What devices, readers and retention do: the operations that are no faults. */
import { regionKey } from '../../../shared/field/math/region.ts';
import { type Random, seededRandom } from '../../unit/field/support/seeded-random.ts';
import { fields, type World } from '../processes/world.ts';
import { applyChange, describeChange, randomChange } from './changes.ts';
import type { Operation } from './operation.ts';

type Work = Pick<Operation, 'text' | 'run'>;

/** @param unique a number that no other operation of the plan has */
export function randomWork(random: Random, unique: number, deviceCount: number): Work {
  const dice = random.next();
  if (dice < 0.62) return clientEdit(random, unique, deviceCount);
  if (dice < 0.82) return rawWrite(random, unique);
  if (dice < 0.84) return moveRegion(random);
  if (dice < 0.9) return readState(random);
  return prune(random);
}

function clientEdit(random: Random, unique: number, deviceCount: number): Work {
  const index = random.below(deviceCount);
  const change = randomChange(random, unique);
  return {
    text: `client ${index} ${describeChange(change)}`,
    run: ({ devices }) => devices[index]?.edit((client) => applyChange(client, change)),
  };
}

function rawWrite(random: Random, unique: number): Work {
  const index = random.below(2);
  const seed = random.below(2 ** 31);
  const dice = random.next();
  if (dice < 0.2) {
    return {
      text: `raw-${index + 1} repeats updates`,
      run: onWriter(index, seed, (writer, own) => writer.repeat(own)),
    };
  }
  if (dice < 0.35) {
    const change = randomChange(random, unique);
    const text = `raw-${index + 1} ${describeChange(change)} under a used counter`;
    return { text, run: onWriter(index, seed, (writer, own) => writer.reuse(change, own)) };
  }
  const changes = Array.from({ length: 1 + random.below(3) }, (_, place) => randomChange(random, unique + place / 10));
  return {
    text: `raw-${index + 1} ${changes.map(describeChange).join(', ')}`,
    run: onWriter(index, seed, (writer, own) => writer.write(changes, own)),
  };
}

type UseWriter = (writer: World['rawWriters'][number], random: Random) => void;

function onWriter(index: number, seed: number, use: UseWriter): Work['run'] {
  return ({ rawWriters }) => {
    const writer = rawWriters[index];
    if (writer) use(writer, seededRandom(seed));
  };
}

function readState(random: Random): Work {
  const [index, place] = [random.below(2), random.below(fields.length)];
  const field = fields[place];
  return {
    text: `somebody reads ${field} at api-${index + 1}`,
    run: ({ apis, httpCache }) => {
      const api = apis[index];
      if (api && field) httpCache.read(field, api);
    },
  };
}

/** Those who follow a part of a field follow another one, or all of it. */
function moveRegion(random: Random): Work {
  const [x0, y0] = [random.below(5), random.below(3)];
  const region = random.chance(0.15)
    ? undefined
    : { x0, y0, x1: x0 + 1 + random.below(4), y1: y0 + 1 + random.below(4) };
  const isWatcher = random.chance(0.5);
  return {
    text: `the regional ${isWatcher ? 'watcher' : 'client'} follows ${region ? regionKey(region) : 'all'}`,
    run: ({ devices, watchers }) => (isWatcher ? watchers.at(-1) : devices.at(-1))?.move(region),
  };
}

function prune(random: Random): Work {
  const retentionMs = 25_000 + random.below(20_000);
  return {
    text: `retention deletes what is older than ${(retentionMs / 1000).toFixed(1)} s`,
    run: (world) => world.pickWorker()?.maintain('prune-logs', retentionMs),
  };
}
