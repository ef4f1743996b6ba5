/** Random bodies of up to a megabyte, made of few repeated shapes: what a generator of single bad values never reaches. */
import type { Random } from '../../unit/field/support/seeded-random.ts';

const maxBytes = 1024 * 1024;

const scalars = ['1', '-0', '1e308', '""', 'null', 'true', '[]', '{}', '"x"', '0.1234567890123456789', '"\\u0000"'];
const keys = ['x', 'y', 'value', 'cells', 'clock', 'counter', 'id', 'position', 'updates', 'k'];

/** A value of some shape; `index` makes keys different in some of them. */
function makeValue(random: Random, depth: number): (index: number) => string {
  const kind = depth === 0 ? 0 : random.below(4);
  if (kind === 0) {
    const scalar = random.pick(scalars);
    return () => scalar;
  }
  const count = 1 + random.below(random.pick([3, 30, 900]));
  const inner = makeValue(random, depth - 1);
  if (kind === 1) return (index) => `[${Array.from({ length: count }, () => inner(index)).join()}]`;
  const key = random.pick(keys);
  const isUnique = random.chance(0.5);
  const name = (index: number, at: number) => `"${key}${at}${isUnique ? `-${index}` : ''}"`;
  return (index) =>
    `{${Array.from({ length: Math.min(count, 130) }, (_, at) => `${name(index, at)}:${inner(index)}`).join()}}`;
}

export function randomBody(random: Random): string {
  const make = makeValue(random, random.below(4));
  const isUpdate = random.chance(0.5);
  const items: string[] = [];
  let bytes = 0;
  for (let index = 0; bytes < maxBytes - 100 && items.length < 500; index++) {
    const value = make(index);
    const item = isUpdate ? `{"counter":${index + 1},"timestamp":1,"kind":"cells.set","cells":${value}}` : value;
    bytes += item.length + 1;
    if (bytes > maxBytes - 100) break;
    items.push(item);
  }
  return `{"updates":[${items.join()}]}`;
}
