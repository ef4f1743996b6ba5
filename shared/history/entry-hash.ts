/**
 * The chain of hashes over the log of a field. Each entry's hash covers the hash before it, so that two logs which agree on
 * the hash of one version agree on everything up to it, and a changed row shows. The content of an entry is hashed with a
 * random salt of its own: it can be erased together with the salt, and the chain still verifies.
 */
import { hash, randomUUID } from 'node:crypto';
import type { FoldOutcome } from '../field/fold.ts';
import type { DeviceId, FieldId } from '../field/ids.ts';
import type { Update } from '../field/update.ts';
import { canonicalJson } from './canonical-json.ts';

/** What an entry says, and the rules by which it was folded. */
interface EntryContent {
  /** The version of the merge and dynamics rules. */
  readonly rules: number;
  readonly device: DeviceId;
  readonly user: string | undefined;
  readonly update: Update;
}

export interface HashedEntry extends EntryContent {
  readonly version: number;
  /** Log time in ms. */
  readonly time: number;
  readonly outcome: FoldOutcome;
  readonly salt: string;
}

/** The hash of version 0. @param genesis an id that is made with the field and travels with backups of it */
export function hashGenesis(field: FieldId, genesis: string): string {
  return sha256([field, genesis]);
}

/** 122 random bits. Node draws them for many ids at once, which is cheaper than bytes for each entry. */
export function createSalt(): string {
  return randomUUID();
}

/** `SHA-256([hash of the version before, version, log time, outcome, SHA-256([salt, content])])`, in hex. */
export function hashEntry(previousHash: string, entry: HashedEntry): string {
  const { version, time, outcome } = entry;
  return sha256([previousHash, version, time, outcome, hashContent(entry)]);
}

function hashContent({ salt, rules, device, user, update }: HashedEntry): string {
  const { counter, seen, clock, ...change } = update;
  return sha256([salt, { rules, device, user, counter, seen, clock, update: change }]);
}

function sha256(parts: readonly unknown[]): string {
  return hash('sha256', canonicalJson(parts), 'hex');
}
