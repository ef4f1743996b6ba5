/**
 * The chain of hashes over the log of a field. Each entry's hash covers the previous hash, so that two logs with the same hash of
 * one version agree on everything up to it, and a changed row is detected. The content of an entry is hashed with its own random
 * salt: both can be erased, and the chain still verifies.
 */
import { hash, randomUUID } from 'node:crypto';
import type { Erasure } from '../field/erasure.ts';
import type { FoldOutcome } from '../field/fold.ts';
import type { DeviceId, FieldId } from '../field/ids.ts';
import type { Update } from '../field/update.ts';
import { canonicalJson } from './canonical-json.ts';

/** The content of an entry, and the rules by which it was folded. */
interface EntryContent {
  /** The version of the merge and dynamics rules. */
  readonly rules: number;
  readonly device: DeviceId;
  readonly user: string | undefined;
  readonly update: Update;
}

/** The part of an entry that its hash covers besides the content. */
export interface HashedHeader {
  readonly version: number;
  /** Log time in ms. */
  readonly time: number;
  readonly outcome: FoldOutcome;
}

export interface HashedEntry extends EntryContent, HashedHeader {
  readonly salt: string;
}

export interface HashedErasure extends Pick<HashedEntry, 'rules' | 'salt'>, HashedHeader {
  readonly erasure: Erasure;
}

/** The hash of version 0. @param genesis an id that is made with the field and travels with backups of it */
export function hashGenesis(field: FieldId, genesis: string): string {
  return sha256([field, genesis]);
}

/** 122 random bits. Node generates them for many ids at once, which is cheaper than requesting bytes for each entry. */
export function createSalt(): string {
  return randomUUID();
}

/** `SHA-256([hash of the version before, version, log time, outcome, SHA-256([salt, content])])`, in hex. */
export function hashEntry(previousHash: string, entry: HashedEntry | HashedErasure): string {
  return chainHash(previousHash, entry, hashContent(entry));
}

/** The hash of an entry, from the hash of its content. */
export function chainHash(previousHash: string, entry: HashedHeader, contentHash: string): string {
  const { version, time, outcome } = entry;
  return sha256([previousHash, version, time, outcome, contentHash]);
}

/** The part of an entry's hash that is kept when its content is erased. */
export function hashContent(
  entry: (EntryContent | Pick<HashedErasure, 'rules' | 'erasure'>) & { readonly salt: string },
) {
  const { salt, rules } = entry;
  if ('erasure' in entry) return sha256([salt, { rules, erasure: entry.erasure }]);
  const { device, user, update } = entry;
  const { counter, seen, clock, ...change } = update;
  return sha256([salt, { rules, device, user, counter, seen, clock, update: change }]);
}

function sha256(parts: readonly unknown[]): string {
  return hash('sha256', canonicalJson(parts), 'hex');
}
