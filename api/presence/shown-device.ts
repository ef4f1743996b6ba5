/** What others see of a device. Replaced as a whole when something in it changes, so that the same object means the same content. */

import type { PresenceData } from '../../shared/contract/messages.ts';
import { presentDeviceSchema } from '../../shared/contract/stream.ts';
import { deviceIdPattern } from '../../shared/field/ids.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface ShownDevice {
  readonly device: string;
  readonly user: string | undefined;
  readonly position: Point | undefined;
  readonly hasData: boolean;
  /** Only its id is known, since it was heard without a socket. */
  readonly isSilent: boolean;
  readonly at: number;
  /** As others receive it. */
  readonly json: string;
}

interface ShownDeviceOptions {
  readonly device: string;
  readonly user?: string | undefined;
  readonly data?: PresenceData | undefined;
  readonly at: number;
  readonly isSilent?: boolean;
}

export function createShownDevice({ device, user, data, at, isSilent = false }: ShownDeviceOptions): ShownDevice {
  const json = JSON.stringify({ device, user, data, at });
  return { device, user, position: data?.position, hasData: data !== undefined, isSilent, at, json };
}

/** Whether a report about a device replaces what is already known of it. Reports may arrive late. */
export function isNewer(reported: ShownDevice, known: ShownDevice): boolean {
  if (known.isSilent) return true;
  return reported.at > known.at && (reported.hasData || !known.hasData);
}

/** Parses what another process has written. @returns undefined for anything that is not a device */
export function parseShownDevice(json: string): ShownDevice | undefined {
  try {
    const parsed = presentDeviceSchema.safeParse(JSON.parse(json));
    return parsed.success ? createShownDevice(parsed.data) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether presence counts a device under this id, and not the user of a token that names none. */
export function isDevice(id: string): boolean {
  return deviceIdPattern.test(id);
}
