/** Starts receivers of webhooks as processes of their own, and reads what they have stored. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { type RunningProcess, startProcess } from '../../../dev/processes/child-process.ts';
import { findFreePort } from '../../../dev/processes/free-port.ts';
import { buildNodeProcess } from '../../../dev/processes/node-process.ts';
import { installedEntryPoint, testProcess } from '../../support/processes/modules.ts';
import { waitUntil } from '../../support/wait-until.ts';

export interface Behaviour {
  /** `none` keeps the message without an answer. */
  readonly status: number | 'none';
  readonly headers?: Readonly<Record<string, string>>;
  readonly delayMs?: number;
}

export interface ReceivedMessage {
  readonly id: string;
  /** In ms since the epoch. */
  readonly at: number;
  /** What was answered; the process may have been killed before. */
  readonly status: Behaviour['status'];
  readonly isSigned: boolean;
  readonly entries: readonly { readonly field: string; readonly version: number }[];
}

export interface ReceiverProcess {
  readonly url: string;
  start(): Promise<void>;
  /** Ends it with SIGKILL, by its process id. */
  kill(): Promise<void>;
  behave(behaviour: Behaviour): Promise<void>;
  keepSecret(secret: string): Promise<void>;
  /** Everything that was stored, the oldest first. */
  read(): Promise<readonly ReceivedMessage[]>;
}

/** @param folder has `server.key` and `server.pem` for https */
export async function withReceiverProcess(
  t: Test,
  folder: string,
  protocol: 'http' | 'https' = 'http',
): Promise<ReceiverProcess> {
  const port = await findFreePort();
  const answer = async (behaviour: Behaviour) => {
    // The receiver must never read a part of it.
    await writeFile(join(folder, 'behaviour.json.new'), JSON.stringify(behaviour));
    await rename(join(folder, 'behaviour.json.new'), join(folder, 'behaviour.json'));
  };
  await answer({ status: 200 });
  await writeFile(join(folder, 'received.ndjson'), '');
  let running: RunningProcess | undefined;
  t.teardown(() => running?.forceStop());
  return {
    url: `${protocol}://127.0.0.1:${port}/hook`,
    start: async () => {
      running = await startProcess(
        buildNodeProcess({
          name: 'receiver',
          script: pathToFileURL(testProcess('test/workers/webhooks/receiver')).href,
          args: [folder, String(port), protocol],
          imports: [installedEntryPoint('dev/processes/exit-with-parent').href],
          env: process.env,
          output: 'inherit',
          graceMs: 1000,
        }),
      );
      await waitUntil('the receiver listens', () => isListening(port), { timeoutMs: 120_000 });
    },
    kill: async () => running?.forceStop(),
    behave: answer,
    keepSecret: (secret) => writeFile(join(folder, 'secret'), secret),
    read: async () => {
      const lines = (await readFile(join(folder, 'received.ndjson'), 'utf8')).split('\n');
      // What follows the last line feed is being written.
      return lines.slice(0, -1).map((line) => JSON.parse(line) as ReceivedMessage);
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}
