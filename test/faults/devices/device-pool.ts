/** The devices of some rounds and their fields: creates them, drives their writes, and waits for their outboxes to drain. */

import { SignJWT } from 'jose';
import { findExecutable } from '../../../dev/processes/find-executable.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type Random, seededRandom } from '../../unit/field/support/seeded-random.ts';
import { jwtSecret } from '../stack/field-processes.ts';
import { Device } from './device.ts';
import type { FieldDevice } from './field-device.ts';
import { Ledger } from './ledger.ts';
import { PythonDevice } from './python/python-device.ts';

/** Number of devices per field; half of them share one hot field. The last of each field is a Python process. */
const population = { hot: 12, 'calm-a': 4, 'calm-b': 4, 'calm-c': 4 };
const defaultUpdatesPerSecond = 90;
const tickMs = 50;
const issuer = 'consciousness-field';
const dayMs = 24 * 3600 * 1000;
const maxClockStepMs = 365 * dayMs;

interface DevicePoolOptions {
  readonly addresses: readonly string[];
  readonly seed: number;
  /** Of the pools of a run. All but the first add it to the names of their fields. */
  readonly number: number;
  /** For the outboxes of devices that are processes. */
  readonly folder: string;
  /** Of all devices together. */
  readonly updatesPerSecond?: number;
}

/** Without it, all devices are in this process. */
export const pythonCommand = findExecutable('python3');

export class DevicePool {
  readonly ledger = new Ledger();
  readonly fields: readonly FieldId[];
  readonly devices: readonly FieldDevice[];
  /** A token that may read all fields. */
  readonly token: string;
  readonly #random: Random;
  readonly #updatesPerSecond: number;
  #writeTimer: NodeJS.Timeout | undefined;

  private constructor(
    devices: readonly FieldDevice[],
    ledger: Ledger,
    token: string,
    random: Random,
    updatesPerSecond: number,
  ) {
    this.devices = devices;
    this.fields = [...new Set(devices.map(({ field }) => field))];
    this.ledger = ledger;
    this.token = token;
    this.#random = random;
    this.#updatesPerSecond = updatesPerSecond;
  }

  static async create({ addresses, seed, number, folder, updatesPerSecond }: DevicePoolOptions): Promise<DevicePool> {
    const ledger = new Ledger();
    const members = Object.entries(population).flatMap(([name, count]) => {
      const field = (number === 1 ? name : `${name}-${number}`) as FieldId;
      return Array.from({ length: count }, (_, at) => {
        return { id: `${field}-device-${at + 1}` as DeviceId, field, isLast: at + 1 === count };
      });
    });
    const devices: FieldDevice[] = [];
    for (const [index, { id, field, isLast }] of members.entries()) {
      const token = await createToken(id);
      const options = { id, field, token, addresses, seed: seed + 1000 * (index + 1), ledger };
      const command = isLast ? pythonCommand : undefined;
      devices.push(command === undefined ? new Device(options) : new PythonDevice({ ...options, command, folder }));
    }
    const token = await createToken('harness' as DeviceId);
    return new DevicePool(devices, ledger, token, seededRandom(seed), updatesPerSecond ?? defaultUpdatesPerSecond);
  }

  /** Random devices write until `stopWriting` is called. */
  startWriting(): void {
    let due = 0;
    this.#writeTimer = setInterval(() => {
      for (due += (this.#updatesPerSecond * tickMs) / 1000; due >= 1; due -= 1) this.#random.pick(this.devices).write();
    }, tickMs);
  }

  stopWriting(): void {
    clearInterval(this.#writeTimer);
  }

  /** Resolves when every update has a receipt. @throws after `timeoutMs` */
  async drain(timeoutMs: number): Promise<void> {
    await waitUntil('every outbox is empty', () => this.devices.every(({ isDrained }) => isDrained), { timeoutMs });
  }

  close(): void {
    this.stopWriting();
    for (const device of this.devices) device.close();
  }
}

/** The token is also valid for APIs whose clocks are a year ahead or back. */
function createToken(device: DeviceId): Promise<string> {
  return new SignJWT({ device, fields: ['*'], scope: 'field:read field:write' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject('faults')
    .setIssuer(issuer)
    .setAudience(issuer)
    .setIssuedAt(new Date(Date.now() - maxClockStepMs - dayMs))
    .setExpirationTime(new Date(Date.now() + maxClockStepMs + dayMs))
    .setJti(`faults-${device}`)
    .sign(new TextEncoder().encode(jwtSecret));
}
