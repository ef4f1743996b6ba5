import fc from 'fast-check';
import t from 'tap';
import type { LeaseHolder } from '../../../db/leases/lease-holders.ts';
import { maxPartitions } from '../../../shared/queue/partitions.ts';
import { assignPartitions, planLeases } from '../../../workers/leases/assign-partitions.ts';
import { seededRandom } from '../field/support/seeded-random.ts';

/** PostgreSQL's locks, and workers that plan on what they have last seen of them. */
class Locks {
  readonly #workers = new Map<number, { view: readonly LeaseHolder[] }>();
  readonly #owners = new Map<number, number>();
  partitions = 1;
  moves = 0;
  #nextId = 100;

  get workers(): number[] {
    return [...this.#workers.keys()];
  }

  get holders(): LeaseHolder[] {
    return this.workers.map((id) => ({ id, partitions: this.#heldBy(id), isSilent: false }));
  }

  join(): void {
    this.#workers.set(this.#nextId++, { view: [] });
    this.partitions = Math.max(this.partitions, Math.min(this.#workers.size, maxPartitions));
  }

  leave(id: number): void {
    for (const partition of this.#heldBy(id)) this.#owners.delete(partition);
    this.#workers.delete(id);
  }

  look(id: number): void {
    const worker = this.#workers.get(id);
    if (worker) worker.view = this.holders;
  }

  /** Acts on a view that may be outdated by now. */
  act(id: number): void {
    const { view = [] } = this.#workers.get(id) ?? {};
    if (!view.some((holder) => holder.id === id)) return;
    const { acquire, release } = planLeases({ self: id, holders: view, partitions: this.partitions });
    for (const partition of release) if (this.#owners.get(partition) === id) this.#owners.delete(partition);
    for (const partition of acquire) {
      if (this.#owners.has(partition)) continue;
      this.#owners.set(partition, id);
      this.moves += 1;
    }
  }

  #heldBy(id: number): number[] {
    return [...this.#owners].flatMap(([partition, owner]) => (owner === id ? [partition] : []));
  }
}

/** Every worker looks and acts until nothing changes. @returns the number of rounds */
function settle(locks: Locks, order: (ids: number[]) => number[] = (ids) => ids): number {
  for (let rounds = 0; rounds < 10; rounds += 1) {
    const before = JSON.stringify(locks.holders);
    for (const id of order(locks.workers)) {
      locks.look(id);
      locks.act(id);
    }
    if (JSON.stringify(locks.holders) === before) return rounds;
  }
  return Number.POSITIVE_INFINITY;
}

function locksWith(workers: number): Locks {
  const locks = new Locks();
  for (let count = 0; count < workers; count += 1) {
    locks.join();
    settle(locks);
  }
  return locks;
}

const sizes = (holders: readonly LeaseHolder[], below = Number.POSITIVE_INFINITY) =>
  holders.map(({ partitions }) => partitions.filter((partition) => partition < below).length);
const spread = (counts: readonly number[]) => Math.max(...counts) - Math.min(...counts);

t.test('workers settle evenly after any history of joins, leaves and outdated views', async () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      const locks = locksWith(1);
      for (let step = 0; step < 200; step += 1) {
        if (random.chance(0.05) && locks.workers.length < maxPartitions + 4) locks.join();
        else if (random.chance(0.03) && locks.workers.length > 1) locks.leave(random.pick(locks.workers));
        else if (random.chance(0.5)) locks.look(random.pick(locks.workers));
        else locks.act(random.pick(locks.workers));
      }
      const rounds = settle(locks, random.shuffle);
      const { holders, partitions } = locks;
      const held = holders.flatMap((holder) => holder.partitions).sort((a, b) => a - b);
      const isComplete = held.join() === Array.from({ length: partitions }, (_, index) => index).join();
      // Partitions that get new jobs are as many as workers, so each worker has one of them.
      const active = sizes(holders, Math.min(holders.length, partitions));
      return rounds <= 3 && isComplete && spread(sizes(holders)) <= 1 && spread(active) <= 1;
    }),
    { numRuns: 500 },
  );
});

t.test('what a joining worker gets is all that moves', async (t) => {
  for (let workers = 1; workers < maxPartitions; workers += 1) {
    const locks = locksWith(workers);
    locks.partitions = maxPartitions;
    settle(locks);
    locks.moves = 0;
    locks.join();
    settle(locks);
    t.equal(locks.moves, locks.holders.at(-1)?.partitions.length, `a worker joins ${workers}`);
  }
});

t.test('what a leaving worker held is all that moves', async (t) => {
  for (let workers = 2; workers <= maxPartitions; workers += 1) {
    const locks = locksWith(workers);
    locks.moves = 0;
    locks.leave(locks.workers[0] ?? 0);
    settle(locks);
    t.equal(locks.moves, 1, `a worker leaves ${workers}`);
  }
});

t.test('a worker takes only what is free, and releases only what is above its share', async (t) => {
  const holders = [
    { id: 1, partitions: [0, 1], isSilent: false },
    { id: 2, partitions: [2], isSilent: false },
    { id: 3, partitions: [], isSilent: false },
  ];
  t.same(planLeases({ self: 1, holders, partitions: 4 }), { acquire: [3], keep: [0], release: [1] });
  t.same(planLeases({ self: 2, holders, partitions: 4 }), { acquire: [], keep: [2], release: [] });
  t.same(
    planLeases({ self: 3, holders, partitions: 4 }),
    { acquire: [], keep: [], release: [] },
    'partition 1 is not free yet',
  );
});

t.test('a silent worker keeps what it has, and what is free goes to the others', async (t) => {
  const holders = [
    { id: 1, partitions: [0], isSilent: false },
    { id: 2, partitions: [1], isSilent: true },
    { id: 3, partitions: [], isSilent: true },
  ];
  t.same(planLeases({ self: 1, holders, partitions: 4 }), { acquire: [2, 3], keep: [0], release: [] });
  const heard = holders.map((holder) => ({ ...holder, isSilent: false }));
  t.same(
    planLeases({ self: 3, holders: heard, partitions: 4 }).acquire,
    [2],
    'once it is heard again it gets its share',
  );
});

t.test('every worker computes the same assignment', async (t) => {
  const holders = [7, 3, 5].map((id) => ({ id, partitions: [], isSilent: false }));
  const assigned = assignPartitions(holders, 5);
  t.same(assigned, assignPartitions([...holders].reverse(), 5));
  t.same(
    [...assigned.values()].flat().sort((a, b) => a - b),
    [0, 1, 2, 3, 4],
  );
});
