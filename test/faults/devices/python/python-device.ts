/**
 * A device that is the client in Python, in a process of its own with its outbox in a file. Now and then the process is killed
 * and started again: no update that it has stored may be lost, or be applied twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { State } from '../../../../shared/contract/messages.ts';
import type { Cursor } from '../../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';
import { packageFile } from '../../../../shared/process/package-files.ts';
import { withTimeout } from '../../../../shared/process/with-timeout.ts';
import { type Random, seededRandom } from '../../../unit/field/support/seeded-random.ts';
import { randomChange } from '../changes.ts';
import type { DeviceOptions } from '../device.ts';
import type { FieldDevice } from '../field-device.ts';
import type { Ledger } from '../ledger.ts';
import { type View, viewOf } from '../mirror.ts';

const driver = fileURLToPath(packageFile('test/faults/devices/python/device.py'));
const library = fileURLToPath(packageFile('examples/python/'));
const maxSkewMs = 4000;
/** When an update was stored, and when a request is about to be sent: about one process is killed in each round. */
const killProbability = 1 / 100;
const viewTimeoutMs = 30_000;

/** What the process reports. */
type Event =
  | { readonly event: 'sending'; readonly updates: readonly SentUpdate[] }
  | {
      readonly event: 'answered';
      readonly counters: readonly number[];
      readonly status: number;
      readonly durability: string;
      readonly reused: readonly number[];
    }
  | { readonly event: 'failed'; readonly status: number; readonly detail: string }
  | { readonly event: 'unknownCursor'; readonly cursor: Cursor }
  | { readonly event: 'outbox'; readonly unsettled: number; readonly cursor: Cursor }
  | { readonly event: 'written' }
  | { readonly event: 'view'; readonly view: State };

interface PythonDeviceOptions extends DeviceOptions {
  readonly command: string;
  /** For the outbox. */
  readonly folder: string;
}

export class PythonDevice implements FieldDevice {
  readonly id: DeviceId;
  readonly field: FieldId;
  cursor: Cursor | undefined;
  /** Its client connects again by itself, and does not report that. */
  readonly reconnects = 0;
  restarts = -1;
  readonly #options: PythonDeviceOptions;
  readonly #random: Random;
  readonly #skewMs: number;
  #process: ChildProcess | undefined;
  /** Commands to write that the process has not confirmed; undefined until it has reported its outbox. */
  #unconfirmed = 0;
  #unsettled: number | undefined;
  /** Updates that the process has confirmed to have stored. */
  #stored = 0;
  #resolveView: (view: View) => void = () => undefined;
  /** What it has shown last. */
  #lastView: View | undefined;
  #isClosed = false;

  constructor(options: PythonDeviceOptions) {
    this.id = options.id;
    this.field = options.field;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#skewMs = this.#random.below(2 * maxSkewMs) - maxSkewMs;
    this.#start();
  }

  get isDrained(): boolean {
    return this.#unconfirmed === 0 && this.#unsettled === 0;
  }

  write(): void {
    this.#unconfirmed += 1;
    this.#command({ do: 'write', content: randomChange(this.#random) });
  }

  /** A closed device shows what it showed when it was last asked. */
  async readView(): Promise<View> {
    if (this.#isClosed && this.#lastView) return this.#lastView;
    const view = new Promise<View>((resolve) => {
      this.#resolveView = resolve;
    });
    this.#command({ do: 'view' });
    return withTimeout(view, viewTimeoutMs, `${this.id} does not say what it shows`);
  }

  close(): void {
    this.#isClosed = true;
    this.#process?.kill('SIGKILL');
  }

  #maybeKill(): void {
    if (this.#random.chance(killProbability)) this.#process?.kill('SIGKILL');
  }

  #start(): void {
    const { command, field, token, addresses, folder, id, ledger } = this.#options;
    const options = { field, token, addresses, folder: join(folder, id), skewMs: this.#skewMs };
    const child = spawn(command, ['-W', 'error', driver, JSON.stringify(options)], {
      env: { ...process.env, PYTHONPATH: library },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.restarts += 1;
    this.#process = child;
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    child.stdin.on('error', () => undefined); // It was killed; `close` follows.
    createInterface({ input: child.stdout }).on('line', (line) => this.#handle(JSON.parse(line) as Event, ledger));
    child.on('close', (code, signal) => {
      if (this.#isClosed) return;
      if (signal !== 'SIGKILL') ledger.anomalies.push(`${id} ended with ${code ?? signal}: ${errors}`);
      // What it had not confirmed was never stored, or is reported by the next process.
      this.#unconfirmed = 0;
      this.#unsettled = undefined;
      this.#start();
    });
  }

  #command(command: object): void {
    this.#process?.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  #handle(event: Event, ledger: Ledger): void {
    switch (event.event) {
      case 'sending':
        this.#recordSending(event.updates, ledger);
        this.#maybeKill();
        break;
      case 'answered':
        this.#recordAnswer(event, ledger);
        break;
      case 'failed':
        ledger.recordStatus(event.status);
        ledger.resends += 1;
        if (event.status >= 400 && event.status < 500 && event.status !== 429) {
          ledger.anomalies.push(`${this.id}: a valid update was rejected: ${event.status} ${event.detail}`);
        }
        break;
      case 'unknownCursor':
        ledger.recordUnknownCursor();
        if (!ledger.mayLoseTail)
          ledger.anomalies.push(`${this.id}: its cursor was unknown; snapshot at ${event.cursor}`);
        break;
      case 'outbox':
        this.#unsettled = event.unsettled;
        this.cursor = event.cursor;
        break;
      case 'written':
        this.#unconfirmed -= 1;
        this.#stored += 1;
        this.#maybeKill();
        break;
      case 'view':
        this.#checkStored(ledger);
        this.#lastView = viewOf(event.view);
        this.#resolveView(this.#lastView);
        break;
    }
  }

  /** To be called when nothing is left to be sent. An update may have been stored and sent without having been confirmed. */
  #checkStored(ledger: Ledger): void {
    const sent = ledger.entriesOf(this.field).filter(({ device }) => device === this.id).length;
    if (sent < this.#stored)
      ledger.anomalies.push(`${this.id} has sent ${sent} of the ${this.#stored} updates it stored`);
  }

  #recordSending(updates: readonly SentUpdate[], ledger: Ledger): void {
    const { id, field } = this;
    for (const update of updates) {
      if (!ledger.find(id, update.counter)) ledger.add({ field, device: id, update, writtenAt: performance.now() });
    }
  }

  #recordAnswer({ counters, status, durability, reused }: Extract<Event, { event: 'answered' }>, ledger: Ledger): void {
    ledger.recordStatus(status);
    const updates = counters.map((counter) => ({ counter }));
    ledger.recordAccepted(this.id, updates, durability);
    for (const counter of reused) ledger.anomalies.push(`${this.id} received the outcome "reused" for ${counter}`);
  }
}
