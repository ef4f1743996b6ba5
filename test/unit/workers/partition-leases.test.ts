import t from 'tap';
import { createLogger } from '../../../shared/process/logger.ts';
import { PartitionConsumers } from '../../../workers/consume/partition-consumers.ts';
import type { OpenLeaseSession } from '../../../workers/leases/lease-servers.ts';
import { PartitionLeases } from '../../../workers/leases/partition-leases.ts';
import { waitUntil } from '../../support/wait-until.ts';

const log = createLogger({ name: 'test', level: 'silent' });

t.test('a worker that has lost its session does not change how new jobs are distributed', async (t) => {
  const reports: string[] = [];
  let sessions = 0;
  let isOpen = false;
  let lose = (_reason: Error): void => undefined;
  const session: OpenLeaseSession = {
    id: 1,
    get isOpen() {
      return isOpen;
    },
    readHolders: async () => [1, 2, 3].map((id) => ({ id, partitions: [], isSilent: false })),
    acquire: async (partitions) => [...partitions],
    release: async () => undefined,
    close: async () => undefined,
    destroy: () => undefined,
  };
  const leases = new PartitionLeases({
    log,
    consumers: new PartitionConsumers({
      log,
      openConsumer: () => ({
        setConcurrencyShare: () => undefined,
        close: async () => undefined,
        abandon: async () => undefined,
      }),
    }),
    servers: {
      connect: async () => undefined,
      checkWritable: async () => undefined,
      openSession: async ({ onLost }) => {
        sessions += 1;
        if (sessions > 1) throw new Error('connect ECONNREFUSED');
        lose = onLost;
        isOpen = true;
        return session;
      },
      reportWorkers: async (workers, mayLower) => {
        reports.push(`${workers} ${mayLower ? 'exactly' : 'at least'}`);
        return 3;
      },
    },
  });
  t.teardown(() => leases.close());
  await leases.start();
  t.equal(reports.at(-1), '3 at least');
  reports.length = 0;
  isOpen = false;
  lose(new Error('read ECONNRESET'));
  // For longer than it takes to believe that workers are missing.
  await waitUntil('it has tried for some seconds', () => reports.length >= 6, { timeoutMs: 20_000 });
  t.same(new Set(reports), new Set(['1 at least']));
});
