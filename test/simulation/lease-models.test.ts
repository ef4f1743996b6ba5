/** The model of the sessions that hold leases against PostgreSQL: the same history, and the same answers. */
import t from 'tap';
import { LeaseSession, type LeaseSessionEvents } from '../../db/leases/lease-session.ts';
import type { OpenLeaseSession } from '../../workers/leases/lease-servers.ts';
import { TcpLink } from '../faults/stack/tcp-link.ts';
import { queryPostgres } from '../support/servers/query-postgres.ts';
import { withDatabase } from '../support/servers/servers.ts';
import { LeaseServer } from './models/leases/lease-server.ts';
import { ModelLeaseSession } from './models/leases/model-session.ts';
import { Link } from './models/link.ts';
import { createError, onModels, type WaitFor, waitForReal } from './on-models.ts';

type SessionName = 'a' | 'b' | 'c';

interface Sessions {
  readonly open: (name: SessionName, events: LeaseSessionEvents) => Promise<OpenLeaseSession>;
  /** As an operator does. */
  readonly terminate: (session: OpenLeaseSession) => Promise<unknown>;
  /** Nothing reaches the session or the server any more. */
  readonly silence: (name: SessionName) => void;
  readonly waitFor: WaitFor;
}

async function useSessions({ open, terminate, silence, waitFor }: Sessions): Promise<unknown[]> {
  const events: string[] = [];
  const names = new Map<number, SessionName>();
  const join = async (name: SessionName) => {
    const session = await open(name, {
      onLost: () => void events.push(`${name} lost`),
      onChange: () => void events.push(`${name} changed`),
    });
    names.set(session.id, name);
    return session;
  };
  const describe = async (session: OpenLeaseSession) =>
    (await session.readHolders()).map(({ id, partitions }) => `${names.get(id)}: ${[...partitions].sort()}`).sort();
  const answers: unknown[] = [];
  const a = await join('a');
  answers.push(await a.acquire([0, 1, 2]));
  const b = await join('b');
  answers.push(await b.acquire([1, 3]), await describe(a));
  await a.release(1);
  await waitFor('b knows', () => events.includes('b changed'));
  answers.push(await b.acquire([1, 2]), await describe(b));
  await a.close();
  answers.push(a.isOpen, await describe(b), await b.acquire([0]));
  // A session that is cut off ends at both ends after some time; nobody is notified.
  events.length = 0;
  const c = await join('c');
  await waitFor('b knows', () => events.includes('b changed'));
  answers.push(await c.acquire([5]));
  events.length = 0;
  silence('c');
  await waitFor('c has ended', async () => (await describe(b)).length === 1 && !c.isOpen);
  answers.push(await b.acquire([5]), await describe(b), events);
  await terminate(b);
  await waitFor('b has ended', () => !b.isOpen);
  answers.push(await b.readHolders().catch(() => 'refused'));
  return answers;
}

t.test('the model of lease sessions answers as PostgreSQL does', async (t) => {
  const { directUrl } = await withDatabase(t);
  const links = new Map<SessionName, TcpLink>();
  const real = await useSessions({
    open: async (name, events) => {
      const url = new URL(directUrl);
      const link = new TcpLink(name, 'postgres', Number(url.port));
      await link.listen();
      links.set(name, link);
      t.teardown(() => link.close());
      url.port = String(link.port);
      return LeaseSession.open({ url: url.href, leaseClassId: 1, applicationName: 'test', ...events });
    },
    terminate: ({ id }) => queryPostgres(directUrl, `SELECT pg_terminate_backend(${id})`),
    silence: (name) => links.get(name)?.setMode('silent'),
    waitFor: waitForReal,
  });
  const modelled = await onModels(({ time, random, waitFor }) => {
    const server = { isUp: true, stalledUntil: 0 };
    const host = new LeaseServer(time, server);
    const modelLinks = new Map<SessionName, Link>();
    return useSessions({
      open: (name, events) => {
        const link = new Link({ time, random, server }, { timeoutMs: 7000, isOrdered: false, createError });
        modelLinks.set(name, link);
        return new ModelLeaseSession({ time, host, link, process: undefined }, events).open();
      },
      terminate: async ({ id }) => host.end(id),
      silence: (name) => {
        const link = modelLinks.get(name);
        if (link) link.state = 'silent';
      },
      waitFor,
    });
  });
  t.same(modelled, real);
});
