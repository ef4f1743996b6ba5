/** Starts the process of the devices, and opens their sockets. */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { createWriters } from '../load/writers.ts';
import type { BenchStack } from '../stack/bench-stack.ts';
import { RpcProcess } from '../stack/rpc-process.ts';
import type { Phones } from './phones.ts';

/** Starts the process for `work`, and ends it, and thereby all sockets, afterwards. */
export async function withPhones<Result>(
  { usage }: BenchStack,
  name: string,
  work: (phones: RpcProcess<Phones>) => Promise<Result>,
): Promise<Result> {
  const phones = new RpcProcess<Phones>(name, import.meta.resolve('./phones.ts'));
  usage.watch(name, phones.pid);
  try {
    return await work(phones);
  } finally {
    await phones.stop();
  }
}

export function createFields(name: string, count: number): FieldId[] {
  return Array.from({ length: count }, (_, index) => `bench-${name}-${index}` as FieldId);
}

interface OpenOptions {
  readonly url: string;
  readonly fields: readonly FieldId[];
  readonly sockets: number;
  /** Called with the devices, in the order of their sockets, before these are opened. */
  readonly onDevices?: (devices: readonly DeviceId[]) => void;
}

/**
 * Each socket is one of a device of its own, which has a particle of its own; consecutive ones watch different fields.
 * @returns the time in ms until all are open
 */
export async function openPhones(
  phones: RpcProcess<Phones>,
  { url, fields, sockets, onDevices }: OpenOptions,
): Promise<number> {
  const writers = await createWriters(sockets);
  onDevices?.(writers.map(({ device }) => device));
  return phones.call(
    'open',
    writers.map(({ token }, index) => ({
      url: `${url}/api/fields/${fields[index % fields.length]}/stream`,
      token,
      particle: `star-${Math.floor(index / fields.length)}`,
    })),
  );
}
