/** Runs phones at once, each in a process of its own, against any server that speaks the original's protocol. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Test } from 'tap';
import { testProcess } from '../../support/processes/modules.ts';
import type { PhoneMessage, PhoneReport } from './report.ts';

interface PhonesOptions {
  /** The path of the module that `bundleApp` makes. */
  readonly app: string;
  readonly address: string;
  readonly phones: number;
  readonly updatesEach: number;
}

/** @returns their reports, once the hook of each has sent all that it had to send */
export async function runPhones(t: Test, { app, address, phones, updatesEach }: PhonesOptions): Promise<PhoneReport[]> {
  const children: ChildProcess[] = [];
  for (let index = 0; index < phones; index += 1) {
    const child = fork(testProcess('test/legacy/phones/phone'), [app, `phone-${index}`, String(updatesEach)], {
      env: { ...process.env, EXPO_PUBLIC_RORK_API_BASE_URL: address },
      execArgv: ['--enable-source-maps'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    children.push(child);
    // One after the other, since a process needs a core while it starts.
    await receive(child, 'connected');
  }
  return Promise.all(
    children.map(async (child) => {
      const report = receive(child, 'report');
      child.send('start');
      const received = await report;
      child.disconnect();
      return received;
    }),
  );
}

/** @throws Error if the process ends before it sends such a message */
async function receive<Kind extends PhoneMessage['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<PhoneMessage, { kind: Kind }>> {
  const ended = new AbortController();
  const exited = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`A phone ended with code ${code} before it was ${kind}`);
  });
  const received = once(child, 'message', { signal: ended.signal }).then(([message]) => message as PhoneMessage);
  try {
    const message = await Promise.race([received, exited]);
    if (message.kind !== kind) throw new Error(`A phone sent ${message.kind} instead of ${kind}`);
    return message as Extract<PhoneMessage, { kind: Kind }>;
  } finally {
    ended.abort();
    await Promise.allSettled([received, exited]);
  }
}
