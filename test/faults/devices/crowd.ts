/** All devices of a run: who they are, how much they send, and when they have nothing left to send. */

import { signToken } from '../../../shared/auth/jwt.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type Random, seededRandom } from '../../unit/field/support/seeded-random.ts';
import { jwtSecret } from '../stack/rooms.ts';
import { Device } from './device.ts';
import { Ledger } from './ledger.ts';

/** Half of the devices share one hot field. */
const population = { hot: 12, 'calm-a': 4, 'calm-b': 4, 'calm-c': 4 };
export const fields = Object.keys(population) as FieldId[];
const updatesPerSecond = 90;
const tickMs = 50;
const tokenLivesSeconds = 24 * 3600;
const issuer = 'consciousness-field';

export class Crowd {
  readonly ledger = new Ledger();
  readonly devices: readonly Device[];
  /** May read all fields. */
  readonly token: string;
  readonly #random: Random;
  #clock: NodeJS.Timeout | undefined;

  private constructor(devices: readonly Device[], ledger: Ledger, token: string, random: Random) {
    this.devices = devices;
    this.ledger = ledger;
    this.token = token;
    this.#random = random;
  }

  static async gather(addresses: readonly string[], seed: number): Promise<Crowd> {
    const ledger = new Ledger();
    const members = Object.entries(population).flatMap(([field, count]) =>
      Array.from({ length: count }, (_, at) => ({
        id: `${field}-device-${at + 1}` as DeviceId,
        field: field as FieldId,
      })),
    );
    const devices: Device[] = [];
    for (const [index, { id, field }] of members.entries()) {
      const token = await makeToken(id);
      devices.push(new Device({ id, field, token, addresses, seed: seed + 1000 * (index + 1), ledger }));
    }
    return new Crowd(devices, ledger, await makeToken('harness' as DeviceId), seededRandom(seed));
  }

  /** Devices write until `rest` is called. */
  write(): void {
    let owed = 0;
    this.#clock = setInterval(() => {
      for (owed += (updatesPerSecond * tickMs) / 1000; owed >= 1; owed -= 1) this.#random.pick(this.devices).write();
    }, tickMs);
  }

  rest(): void {
    clearInterval(this.#clock);
  }

  /** Resolves when every update has its receipt. */
  async drain(timeoutMs: number): Promise<void> {
    await waitUntil('every outbox is empty', () => this.devices.every(({ isDrained }) => isDrained), { timeoutMs });
  }

  close(): void {
    this.rest();
    for (const device of this.devices) device.close();
  }
}

async function makeToken(device: DeviceId): Promise<string> {
  const { token } = await signToken(
    {
      sub: 'faults',
      device,
      fields: ['*'],
      scope: ['field:read', 'field:write'],
      expiresInSeconds: tokenLivesSeconds,
    },
    { secret: jwtSecret, issuer, audience: issuer },
  );
  return token;
}
