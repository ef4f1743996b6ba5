/**
 * A receiver in a process of its own, that is down, slow, and killed in the middle of a message, and a worker that is killed while it
 * waits for an answer, all while updates go on. `TEST_DOWN_SECONDS` sets for how long the receiver is down (default: 5).
 */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { listWebhooks } from '../../../db/webhooks/webhook-row.ts';
import { settingsOf, withField } from '../../cli/run-field.ts';
import { withProcess } from '../../support/processes/with-process.ts';
import { type Backing, withBacking } from '../../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';
import { type ReceivedMessage, withReceiverProcess } from './with-receiver-process.ts';

const allowed = {
  WEBHOOK_KEY: 'a key for the webhooks of tests, of more than 32 bytes',
  WEBHOOK_ALLOW_HTTP: 'true',
  WEBHOOK_ALLOW_PRIVATE: 'true',
};
const downMs = Number(process.env.TEST_DOWN_SECONDS ?? 5) * 1000;
const fields = ['garden', 'pond'].map(asField);
const writeIntervalMs = 50;
/** Ample, for busy machines: no step takes as long. */
const patience = { timeoutMs: 180_000, intervalMs: 50 };

/** Writes to both fields until it is stopped. @returns how many updates each field then has */
function startWriting({ producer }: Backing): { stop(): Promise<number> } {
  const stopping = new AbortController();
  const run = async () => {
    let counter = 0;
    while (!stopping.signal.aborted) {
      counter += 1;
      for (const field of fields)
        await producer.enqueue(jobOf(field, asDevice('ada'), [setCell(counter, counter % 30, (counter % 100) / 100)]));
      await delay(writeIntervalMs);
    }
    return counter;
  };
  const ended = run();
  return {
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

/** What a receiver keeps that recognises repeated messages by their id alone. */
function dropRepeated(messages: readonly ReceivedMessage[]): readonly ReceivedMessage[] {
  return [...new Map(messages.toReversed().map((message) => [message.id, message])).values()].sort(
    (a, b) => messages.findIndex(({ id }) => id === a.id) - messages.findIndex(({ id }) => id === b.id),
  );
}

const versionsOf = (messages: readonly ReceivedMessage[], field: string) =>
  messages.flatMap(({ entries }) => entries.filter((entry) => entry.field === field).map(({ version }) => version));

t.test(
  'nothing is lost or out of order while a receiver is down, slow and killed, and a worker is killed',
  { timeout: downMs + 900_000 },
  async (t) => {
    const backing = await withBacking(t, allowed);
    const field = await withField(t, { ...settingsOf(backing), ...allowed });
    const receiver = await withReceiverProcess(t, await withFolder(t));
    const added = await field(['webhooks', 'add', receiver.url, '--from-start', '--json']);
    const { id, secret } = JSON.parse(added.stdout) as { id: string; secret: string };
    await receiver.keepSecret(secret);
    await receiver.start();
    const readWebhook = async () => (await listWebhooks(backing.db))[0];
    const last = async () => (await receiver.read()).at(-1);
    const startedAt = Date.now();
    const note = (text: string) => t.comment(`${((Date.now() - startedAt) / 1000).toFixed(1)} s: ${text}`);

    const worker = await withProcess(t, 'workers', backing);
    const writing = startWriting(backing);
    t.teardown(() => writing.stop().catch(() => undefined));
    await waitUntil('changes arrive', async () => (await receiver.read()).length > 2, patience);

    // The receiver is killed in the middle of a message: it has stored it, and not answered.
    await receiver.behave({ status: 'none' });
    await waitUntil('the receiver has a message', async () => (await last())?.status === 'none', patience);
    await receiver.kill();
    note(`the receiver was killed after ${(await receiver.read()).length} messages`);
    const upAgainAt = Date.now() + downMs;
    await waitUntil(
      'it was down for long enough',
      async () => Date.now() >= upAgainAt && ((await readWebhook())?.attempts ?? 0) >= 2,
      { timeoutMs: downMs + patience.timeoutMs, intervalMs: 100 },
    );
    const missed = await readWebhook();
    note(`back after ${downMs / 1000} s and ${missed?.attempts} attempts, the last with: ${missed?.lastError}`);
    t.match(missed, { status: 'active', lastError: /ECONNREFUSED/ });
    const before = (await receiver.read()).length;

    // It is slow at first, and too slow for one message, which it has stored all the same.
    await receiver.behave({ status: 200, delayMs: 11_000 });
    await receiver.start();
    // Otherwise the next attempt may be as far away as the outage was long.
    t.match(await field(['webhooks', 'resume', id]), { code: 0 });
    await waitUntil('it is tried again', async () => (await receiver.read()).length > before, patience);
    note('the first message after the outage arrived');
    await receiver.behave({ status: 200, delayMs: 200 });
    await waitUntil('the slow receiver gets on', async () => (await receiver.read()).length > before + 3, patience);

    // The worker is killed while the receiver has a message.
    await receiver.behave({ status: 'none' });
    await waitUntil('the receiver has a message', async () => (await last())?.status === 'none', patience);
    await worker.forceStop();
    note('the worker was killed');
    await receiver.behave({ status: 200 });
    await withProcess(t, 'workers', backing);
    const count = await writing.stop();
    await waitUntil(
      'everything has arrived',
      async () => {
        const messages = await receiver.read();
        return fields.every((name) => versionsOf(messages, name).includes(count));
      },
      patience,
    );

    const messages = await receiver.read();
    const distinct = dropRepeated(messages);
    note(
      `${messages.length} messages, ${messages.length - distinct.length} of them repeated; ${count} updates a field`,
    );
    const expected = Array.from({ length: count }, (_, index) => index + 1);
    for (const name of fields) {
      t.same(versionsOf(distinct, name), expected, `${name} is complete, in order, and repeated only by message`);
    }
    t.ok(messages.length - distinct.length >= 3, 'the three messages without an answer in time were sent again');
    for (const message of messages) {
      const first = distinct.find(({ id }) => id === message.id);
      if (JSON.stringify(first?.entries) !== JSON.stringify(message.entries)) t.fail(`${message.id} changed`);
    }
    t.ok(messages.every(({ isSigned }) => isSigned));
  },
);
