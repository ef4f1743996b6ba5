/**
 * Keyed pseudonyms (HMAC-SHA-256) of erased ids: they allow an id to be recognised, but do not reveal it. The key is a setting and
 * never in the database, because with both one could try ids.
 */
import { createHmac } from 'node:crypto';
import type { DeviceId, FieldId } from '../field/ids.ts';
import { canonicalJson } from './canonical-json.ts';

export interface Pseudonyms {
  /** Serves only to detect that the key has changed. */
  readonly keyCheck: string;
  ofUser(user: string): string;
  ofDevice(device: string): string;
  ofField(field: FieldId): string;
  /** For a device in one field, so that its activity in several fields cannot be linked. */
  ofWriter(field: FieldId, device: DeviceId): string;
}

/** @param key the setting `ERASURE_KEY`; without it, nothing can be erased or recognised */
export function createPseudonyms(key: string): Pseudonyms;
export function createPseudonyms(key: string | undefined): Pseudonyms | undefined;
export function createPseudonyms(key: string | undefined): Pseudonyms | undefined {
  if (key === undefined) return undefined;
  const sign = (parts: readonly string[]) => createHmac('sha256', key).update(canonicalJson(parts)).digest('hex');
  return {
    keyCheck: sign(['key']),
    ofUser: (user) => sign(['user', user]),
    ofDevice: (device) => sign(['device', device]),
    ofField: (field) => sign(['field', field]),
    ofWriter: (field, device) => sign(['writer', field, device]),
  };
}
