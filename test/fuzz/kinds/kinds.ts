/** All kinds of invalid input, and the weighted choice between them. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { Kind } from '../attempt.ts';
import { bodyKinds } from './bodies.ts';
import { messageKinds } from './messages.ts';
import { rawKinds } from './raw.ts';
import { requestKinds } from './requests.ts';
import { tokenKinds } from './tokens.ts';

const all: readonly Kind[] = [...bodyKinds, ...tokenKinds, ...requestKinds, ...rawKinds, ...messageKinds];

/** @throws RangeError for an unknown name */
export function chooseKinds(name: string | undefined): readonly Kind[] {
  if (name === undefined) return all;
  const chosen = all.filter((kind) => kind.name === name);
  if (chosen.length === 0)
    throw new RangeError(`unknown kind ${name}; available: ${all.map((kind) => kind.name).join(', ')}`);
  return chosen;
}

export function pickKind(random: Random, kinds: readonly Kind[]): Kind {
  let left = random.next() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  const found = kinds.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  const kind = found ?? kinds[0];
  if (!kind) throw new Error('there is no kind to pick');
  return kind;
}
