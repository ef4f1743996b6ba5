/** The names of all Redis keys and channels that hold copies of fields or limits, built in this one place. */
import type { DeviceId, FieldId } from '../field/ids.ts';

/**
 * Names the keys and channels of one installation. The installation's id is part of every name, so that a restored or second
 * database on the same Redis never reads copies of another.
 */
export interface CacheKeys {
  stateKey(field: FieldId): string;
  /** The key of the fill token, under which a whole state may be stored. */
  fillTokenKey(field: FieldId): string;
  fieldChannel(field: FieldId): string;
  /** The channel on which one API process receives the results of updates that its requests wait for. */
  replyChannel(process: string): string;
  /** The times when the devices of a field were last seen. */
  presenceTimesKey(field: FieldId): string;
  /** The presence data of the devices of a field. */
  presenceDataKey(field: FieldId): string;
  presenceChannel(field: FieldId): string;
  /** Match the keys of all fields. */
  readonly presencePatterns: { readonly times: string; readonly data: string };
  /** The session of a device of the original system in room 64. */
  room64Key(device: DeviceId): string;
  /** A message on it means that revocations changed; the revocations themselves are read from PostgreSQL. */
  readonly revocationChannel: string;
  /** A message on it means that the change feed has new ranges, which are read from PostgreSQL. */
  readonly changeFeedChannel: string;
  /** The common prefix of the rate limiters' keys. */
  readonly limitPrefix: string;
  /** The revocations as the workers last read them. */
  readonly revocationsKey: string;
  /** The workers' counts for one span of ten minutes. */
  trafficKey(span: number): string;
}

/**
 * The id under which presence counts the clients of a user whose tokens name no device. No device has such an id.
 */
export function toViewerId(user: string): string {
  return `@${user}`;
}

/** @param installation the id of the database (`FieldReader.readInstallation`) */
export function createCacheKeys(prefix: string, installation: string): CacheKeys {
  const base = `${prefix}:${installation}`;
  return {
    // The number is that of the format: during a rolling upgrade, processes of two versions share one Redis.
    stateKey: (field) => `${base}:state-3:{${field}}`,
    fillTokenKey: (field) => `${base}:fill:{${field}}`,
    fieldChannel: (field) => `${base}:changes:${field}`,
    replyChannel: (process) => `${base}:replies:${process}`,
    presenceTimesKey: (field) => `${base}:presence-times:{${field}}`,
    presenceDataKey: (field) => `${base}:presence-data:{${field}}`,
    presenceChannel: (field) => `${base}:presence:${field}`,
    presencePatterns: { times: `${base}:presence-times:*`, data: `${base}:presence-data:*` },
    room64Key: (device) => `${base}:room64:${device}`,
    revocationChannel: `${base}:revocations`,
    changeFeedChannel: `${base}:change-feed`,
    limitPrefix: `${base}:limits`,
    revocationsKey: `${base}:revocations:list`,
    trafficKey: (span) => `${base}:{traffic}:${span}`,
  };
}
