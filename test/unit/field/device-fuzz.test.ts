/** A randomised test of twenty devices on unreliable networks and four servers. `FUZZ_SEED=…` repeats a run. */
import t from 'tap';
import { createUpdateSchema } from '../../../shared/contract/update.ts';
import { eventTypes } from '../../../shared/field/update.ts';
import { type Change, event, put, remove, type SentUpdate, setCells, vector } from './support/changes.ts';
import {
  causalityFormats,
  createHonestDevice,
  encodeCausality,
  type HonestDevice,
  type Written,
} from './support/honest-devices.ts';
import { referenceRegisters } from './support/reference-merge.ts';
import { registersOf } from './support/registers.ts';
import { type Random, seededRandom } from './support/seeded-random.ts';
import { createServer, type Server } from './support/server.ts';

const devices = 20;
const rounds = 150;
const servers = 4;
const schema = createUpdateSchema(30);

const nameOf = ({ device, update }: SentUpdate) => `${device} ${update.counter}`;

t.test(
  `${devices} devices with skewed clocks, offline periods, late updates and duplicates converge on every server`,
  async (t) => {
    const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
    t.comment(`FUZZ_SEED=${seed}`);
    const random = seededRandom(seed);
    const phones = Array.from({ length: devices }, (_, index) => createPhone(`phone-${index}`, random));
    const written: Written[] = [];
    const networks = Array.from({ length: servers }, () => createNetwork(random));

    for (let round = 0; round < rounds; round += 1) {
      for (const phone of phones) written.push(...phone.step(1_000_000 + 40 * round, phones));
      for (const network of networks) {
        for (const phone of phones) if (!phone.isOffline) network.send(phone.outbox);
        network.deliverSome();
      }
    }
    for (const network of networks) {
      for (const phone of phones) network.send(phone.outbox);
      network.deliverAll();
    }

    const expected = referenceRegisters(written);
    t.ok(written.length > 1000 && expected.size > 50, `${written.length} updates of ${expected.size} registers`);
    for (const { server } of networks) {
      t.equal(server.state.version, written.length, `seed ${seed}: each update is applied exactly once`);
      t.strictSame(registersOf(server.state), expected, `seed ${seed}: the registers are those of the reference merge`);
      t.ok(
        server.conflicts > 0 && server.duplicates > 0,
        `${server.conflicts} conflicts, ${server.duplicates} duplicates`,
      );
    }
    const orders = new Set(networks.map(({ server }) => JSON.stringify(server.log.map(nameOf))));
    t.equal(orders.size, servers, 'each server received the updates in a different order');
  },
);

/** A device that goes offline at random and learns of other devices' updates only while both are online. */
function createPhone(name: string, random: Random) {
  const device = createHonestDevice(name, random.below(4000) - 2000);
  const outbox: Written[] = [];
  let isOffline = false;
  return {
    device,
    outbox,
    get isOffline() {
      return isOffline;
    },
    step(now: number, others: readonly { device: HonestDevice; isOffline: boolean }[]): Written[] {
      if (random.chance(0.1)) isOffline = !isOffline;
      const other = random.pick(others);
      if (!isOffline && !other.isOffline && random.chance(0.5)) device.learn(other.device);
      if (random.chance(0.5)) return [];
      const update = device.write(anyChange(random), now, random.pick(causalityFormats));
      outbox.push(update);
      return [update];
    },
  };
}

/** A network to one server that duplicates updates and reorders them, sometimes also those of a single device. */
function createNetwork(random: Random) {
  const server: Server = createServer();
  const inTransit: Written[] = [];
  const firstUnsent = new Map<readonly Written[], number>();
  const deliver = (update: Written) => {
    const encoded = encodeCausality(update, server.log);
    server.deliver({ device: encoded.device, update: { ...schema.parse(encoded.update), seen: encoded.update.seen } });
  };
  return {
    server,
    send(outbox: readonly Written[]) {
      const from = firstUnsent.get(outbox) ?? 0;
      const repeated = random.chance(0.3) ? random.below(5) : 0;
      inTransit.push(...outbox.slice(Math.max(0, from - repeated)));
      firstUnsent.set(outbox, outbox.length);
    },
    deliverSome() {
      if (random.chance(0.05)) server.restart();
      for (let left = random.below(inTransit.length + 1); left > 0; left -= 1) {
        const next = inTransit.splice(random.chance(0.8) ? 0 : random.below(inTransit.length), 1);
        next.forEach(deliver);
      }
    },
    deliverAll() {
      random.shuffle(inTransit.splice(0)).forEach(deliver);
    },
  };
}

function anyChange(random: Random): Change {
  const id = `particle-${random.below(12)}`;
  const roll = random.next();
  if (roll < 0.4) {
    const xs = new Set(Array.from({ length: 1 + random.below(4) }, () => random.below(6)));
    return setCells(...[...xs].map((x) => ({ x, y: random.below(3), value: random.below(5) / 4 })));
  }
  if (roll < 0.8) {
    return put(id, {
      ...(random.chance(0.5) ? { position: vector(random.below(3), random.below(3)) } : {}),
      ...(random.chance(0.3) ? { velocity: vector(0, random.below(2)) } : {}),
      ...(random.chance(0.5) ? { resonance: random.below(11) / 10 } : {}),
      ...(random.chance(0.3) ? { content: `note ${random.below(9)}` } : {}),
      ...(random.chance(0.3) ? { connections: ['a', 'b', 'c'].slice(random.below(4)) } : {}),
    });
  }
  return roll < 0.9 ? remove(id) : event(random.pick(eventTypes), random.next());
}
