/**
 * A minute of seeded chaos on the real stack: five clients with skewed clocks edit one field while their networks are cut,
 * drop packets, slow down, show a login page in place of the API and recover, their storages are full or
 * do not answer, and their apps are restarted. Afterwards all must show the same state, and the log must contain
 * each edit exactly once.
 *
 * `CHAOS_SEED` selects another sequence of events and `CHAOS_SECONDS` another duration. With `CHAOS_LOSSES=true`, PostgreSQL also
 * loses the last commits every few seconds; edits are then applied again, so that a device's edits are no longer in their
 * order. Run by `npm run test:client`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { FieldClient, FieldView } from '../../client/types.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import { createFieldState } from '../../shared/field/state.ts';
import { viewParticle } from '../../shared/field/view.ts';
import { type TcpGate, withTcpGate } from '../api/support/tcp-gate.ts';
import { copyField } from '../support/servers/copy-field.ts';
import { asField } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createFaultyStorage, type FaultyStorage } from '../unit/client/support/faulty-storage.ts';
import { type Random, seededRandom } from '../unit/field/support/seeded-random.ts';
import { readWholeLog } from './read-log.ts';
import { makeClient, waitUntilSynced, withClient, withField } from './with-client.ts';

const field = 'chaos';
const hourMs = 3_600_000;
const seed = Number(process.env.CHAOS_SEED ?? 1);
const seconds = Number(process.env.CHAOS_SECONDS ?? 60);
const hasLosses = process.env.CHAOS_LOSSES === 'true';

interface Phone {
  readonly name: string;
  readonly random: Random;
  readonly gate: TcpGate;
  readonly storage: FaultyStorage;
  /** What the storage does not take in time may be sent after what was made later. */
  readonly hasHangingStorage: boolean;
  /** The error of its clock, in ms. */
  skewMs: number;
  /** Whether something else than the API responds to its requests. */
  isBehindPortal: boolean;
  client: FieldClient;
  /** Its edits as text, in order. */
  readonly edits: string[];
}

const api = await withField(t);

t.test(`five clients in ${seconds} s of chaos end with the same state, and no edit is lost or doubled`, async (t) => {
  t.comment(`seed ${seed}`);
  const { hostname: host, port } = new URL(api.address);
  const phones: Phone[] = [];
  for (const [index, skewMs] of [hourMs, 0, -10 * 60_000, 0, 30_000].entries()) {
    const gate = await withTcpGate(t, { host, port: Number(port) });
    const random = seededRandom(seed * 100 + index);
    const phone = {
      name: `phone-${index}`,
      random,
      gate,
      storage: createFaultyStorage(),
      skewMs,
      edits: [] as string[],
      hasHangingStorage: index > 2,
    };
    phones.push({ ...phone, isBehindPortal: false, client: makeClient(t, { url: api.address, field }) });
  }
  for (const phone of phones) await startApp(phone);
  const end = Date.now() + seconds * 1000;
  await Promise.all([...phones.map((phone) => simulatePhone(phone, end)), rewindClock(phones[1], end), loseTails(end)]);

  for (const phone of phones) {
    phone.gate.throttle(Number.POSITIVE_INFINITY);
    restoreNetwork(phone);
    restoreStorage(phone);
    phone.client.wake();
  }
  for (const { client } of phones) await waitUntilSynced(client, { timeoutMs: 120_000 });
  const observer = await withClient(t, { url: api.address, field });
  const edits = phones.flatMap((phone) => phone.edits);
  const clients = [observer, ...phones.map(({ client }) => client)];
  await waitUntil(
    'all clients are at the same version',
    () => new Set(clients.map(({ state }) => state.version)).size === 1,
  );
  t.equal(observer.state.version, edits.length, 'each edit has a version');

  const log = await readWholeLog(observer);
  t.ok(edits.length > 100, `${edits.length} edits were made`);
  for (const { name, client, edits, hasHangingStorage } of phones) {
    const logged = log.filter(({ device }) => device === client.deviceId).map(({ update }) => describe(update));
    const isOrdered = !hasLosses && !hasHangingStorage;
    const ordered = (edits: readonly string[]) => (isOrdered ? edits : [...edits].sort());
    t.same(ordered(logged), ordered(edits), `${name}: the log has its ${edits.length} edits, each once`);
  }
  const truth = comparable(foldLog(log));
  for (const { name, client } of phones) t.same(comparable(client.state), truth, `${name} shows the state of the log`);
  const conflicts = log.filter(({ outcome }) => outcome === 'conflict').length;
  t.comment(`${log.length} updates, ${conflicts} conflicts`);
});

async function startApp(phone: Phone): Promise<void> {
  phone.client = makeClient(t, {
    url: `http://127.0.0.1:${phone.gate.port}`,
    field,
    storage: phone.storage,
    clock: () => Date.now() + phone.skewMs,
    random: phone.random.next,
    fetch: (...request) => (phone.isBehindPortal ? Promise.resolve(loginPage()) : fetch(...request)),
  });
  await phone.client.start();
}

function loginPage(): Response {
  return new Response('<html>Welcome to the hotel</html>', { headers: { 'content-type': 'text/html' } });
}

function restoreNetwork(phone: Phone): void {
  phone.isBehindPortal = false;
  phone.gate.open();
}

function restoreStorage({ storage }: Phone): void {
  storage.quota = Number.POSITIVE_INFINITY;
  storage.release();
}

/** Makes edits, and sometimes breaks, slows down or restores the phone's network or storage, or restarts its app. */
async function simulatePhone(phone: Phone, end: number): Promise<void> {
  const { random, gate } = phone;
  while (Date.now() < end) {
    await delay(20 + random.below(300));
    for (let count = random.below(4); count > 0; count -= 1) edit(phone);
    const event = random.next();
    if (event < 0.06) gate.cut();
    else if (event < 0.1) gate.blackhole();
    else if (event < 0.2) {
      restoreNetwork(phone);
      if (random.chance(0.5)) phone.client.wake();
    } else if (event < 0.22) {
      // Edits that could not be stored would end with the app, as `problem` says.
      restoreStorage(phone);
      await phone.client.close();
      await startApp(phone);
    } else if (event < 0.24) {
      gate.cut();
      phone.isBehindPortal = true;
    } else if (event < 0.27) gate.throttle(random.chance(0.5) ? 5000 : Number.POSITIVE_INFINITY);
    else if (event < 0.28) phone.storage.quota = 0;
    else if (event < 0.29 && phone.hasHangingStorage) phone.storage.hang(/./);
    else if (event < 0.31) restoreStorage(phone);
  }
}

async function loseTails(end: number): Promise<void> {
  while (hasLosses && Date.now() < end - 3000) {
    const rewind = await copyField(api.backing.db, asField(field));
    await delay(500 + Math.random() * 1500);
    await rewind();
    await delay(1500);
  }
}

async function rewindClock(phone: Phone | undefined, end: number): Promise<void> {
  await delay((end - Date.now()) / 2);
  if (phone) phone.skewMs -= 2 * hourMs;
}

/** Makes one edit. Each is unique, so that it can be identified in the log. */
function edit({ client, random, name, edits }: Phone): void {
  const unique = (edits.length + 1) / 100_000;
  const id = `p-${random.below(12)}`;
  const choice = random.next();
  const cells = [{ x: random.below(5), y: random.below(5), value: unique }];
  if (choice < 0.45) edits.push(describe(client.setCells(cells).update));
  else if (choice < 0.8)
    edits.push(describe(client.putParticle(id, { content: `${name} ${edits.length + 1}` }).update));
  else if (choice < 0.9) edits.push(describe(client.removeParticle(id).update));
  else edits.push(describe(client.emit('resonance', unique).update));
}

/** The content of an update as text, without counter and timestamps. */
function describe(update: object): string {
  const { counter, timestamp, seen, clock, ...change } = update as Record<string, unknown>;
  return JSON.stringify(Object.entries(change).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function foldLog(log: Awaited<ReturnType<typeof readWholeLog>>) {
  const state = createFieldState(asField(field));
  for (const { device, update, time } of log) {
    // The log has resolved versions, which are a case of what may be sent.
    const seen = typeof update.seen === 'number' ? update.seen : 0;
    foldUpdate(state, device, { ...update, seen }, time, emptyChangeSet());
  }
  const cells = Object.fromEntries([...state.cells].map(([cell, { value }]) => [cell, value]));
  const memoryParticles = [...state.particles.values()].map(viewParticle);
  return { version: state.version, cells, memoryParticles, quantumFields: state.quantumFields };
}

/** The order of particles carries no meaning. */
function comparable({
  version,
  cells,
  memoryParticles,
  quantumFields,
}: Pick<FieldView, 'version' | 'cells' | 'memoryParticles' | 'quantumFields'>) {
  const particles = Object.fromEntries(memoryParticles.map((particle) => [particle.id, particle]));
  return { version, cells, particles, quantumFields };
}
