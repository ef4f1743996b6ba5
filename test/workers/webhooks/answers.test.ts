/** Webhooks: `Retry-After`, 410, and receivers with certificates of an own authority. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { listWebhooks } from '../../../db/webhooks/webhook-row.ts';
import { settingsOf, withField } from '../../cli/run-field.ts';
import { withProcess } from '../../support/processes/with-process.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { asDevice, asField, jobOf, setCell } from '../../support/updates.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { withFolder } from '../../support/with-folder.ts';
import { withReceiverProcess } from './with-receiver-process.ts';

const privateTargets = {
  WEBHOOK_KEY: 'a key for the webhooks of tests, of more than 32 bytes',
  WEBHOOK_ALLOW_PRIVATE: 'true',
};

async function write({ producer }: Backing, counter: number): Promise<void> {
  await producer.enqueue(jobOf(asField('garden'), asDevice('ada'), [setCell(counter, counter, 0.5)]));
}

async function withWebhook(t: Test, settings: Record<string, string>, protocol: 'http' | 'https', folder: string) {
  const backing = await withBacking(t, settings);
  const field = await withField(t, { ...settingsOf(backing), ...settings });
  const receiver = await withReceiverProcess(t, folder, protocol);
  const { code, stdout, stderr } = await field(['webhooks', 'add', receiver.url, '--from-start', '--json']);
  if (code !== 0) throw new Error(stderr);
  const { id, secret } = JSON.parse(stdout) as { id: string; secret: string };
  await receiver.keepSecret(secret);
  await receiver.start();
  const readState = async () => (await listWebhooks(backing.db))[0];
  return { backing, field, receiver, id, readState };
}

t.test('the next attempt waits for Retry-After, and 410 pauses the webhook until it is resumed', async (t) => {
  const settings = { ...privateTargets, WEBHOOK_ALLOW_HTTP: 'true' };
  const { backing, field, receiver, id, readState } = await withWebhook(t, settings, 'http', await withFolder(t));
  const receive = (count: number) =>
    waitUntil(`there are ${count} attempts`, async () => {
      const messages = await receiver.read();
      return messages.length >= count && messages;
    });
  // Without it, the second attempt comes within 1 s.
  await receiver.behave({ status: 503, headers: { 'retry-after': '2' } });
  await withWorker(t, backing);
  await write(backing, 1);
  await receive(1);
  await waitUntil('the failure is recorded', async () => (await readState())?.attempts === 1);
  // The third comes within 2 s without it. A date has no fractions of a second.
  const date = new Date(Date.now() + 6000);
  await receiver.behave({ status: 503, headers: { 'retry-after': date.toUTCString() } });
  const [first, second] = await receive(2);
  t.ok((second?.at ?? 0) - (first?.at ?? 0) >= 2000, `the second attempt came after ${second?.at} - ${first?.at} ms`);
  await waitUntil('the failure is recorded', async () => (await readState())?.attempts === 2);
  await receiver.behave({ status: 410 });
  const third = (await receive(3)).at(-1);
  t.ok((third?.at ?? 0) >= Math.floor(date.getTime() / 1000) * 1000, 'the third attempt waited for the date');

  await waitUntil('410 has paused it', async () => (await readState())?.status === 'paused');
  t.match(await readState(), { lastError: 'status 410' });
  await write(backing, 2);
  await receiver.behave({ status: 200 });
  t.match(await field(['webhooks', 'resume', id]), { code: 0 });
  await waitUntil('it has everything', async () => (await receiver.read()).at(-1)?.entries.at(-1)?.version === 2);
  const messages = await receiver.read();
  t.same(
    messages.map(({ status }) => status),
    messages.length === 4 ? [503, 503, 410, 200] : [503, 503, 410, 200, 200],
    'nothing was sent while it was paused',
  );
  t.match(await readState(), { status: 'active', attempts: 0, lastError: null });
});

/** Makes a certificate authority, and a certificate of it for 127.0.0.1. */
async function writeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Own CA');
  await openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=receiver');
  await writeFile(join(folder, 'san'), 'subjectAltName=IP:127.0.0.1\n');
  const signed = ['-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san'];
  await openssl('x509', '-req', ...signed, '-out', 'server.pem', '-days', '2');
}

t.test(
  'the certificate of a receiver is verified, with NODE_EXTRA_CA_CERTS also against an own authority',
  async (t) => {
    const folder = await withFolder(t);
    await writeCertificates(folder);
    const { backing, field, receiver, id, readState } = await withWebhook(t, privateTargets, 'https', folder);
    const worker = await withProcess(t, 'workers', backing);
    await write(backing, 1);
    const lastError = await waitUntil('the certificate is refused', async () => (await readState())?.lastError, {
      timeoutMs: 60_000,
    });
    t.match(lastError, /unable to verify the first certificate|self-signed certificate/);
    t.same(await receiver.read(), [], 'no content is sent to a receiver that is not known');
    await worker.forceStop();
    await withProcess(t, 'workers', backing, { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') });
    await field(['webhooks', 'resume', id]);
    await waitUntil('the message arrives', async () => (await receiver.read())[0], { timeoutMs: 60_000 });
    t.match(await receiver.read(), [{ status: 200, isSigned: true }]);
  },
);
