/** Bodies of the largest size that aim at the cost of parsing and validating them. */

const maxBytes = 1024 * 1024;

function fill(makeOne: (index: number) => string, perList = 1000): string {
  const lists: string[] = [];
  let list: string[] = [];
  let bytes = 2;
  for (let index = 0; ; index++) {
    const one = makeOne(index);
    bytes += one.length + 1;
    if (bytes > maxBytes - 200) break;
    list.push(one);
    if (list.length === perList) {
      lists.push(`[${list.join()}]`);
      list = [];
      bytes += 3;
    }
  }
  return `[${[...lists, `[${list.join()}]`].join()}]`;
}

function batch(count: number, makeOne: (index: number) => object): string {
  return JSON.stringify({
    updates: Array.from({ length: count }, (_, index) => ({ counter: index + 1, timestamp: 1, ...makeOne(index) })),
  });
}

const cellsOf = (count: number, cell: (index: number) => unknown) => ({
  kind: 'cells.set',
  cells: Array.from({ length: count }, (_, index) => cell(index)),
});
const cellAt = (index: number) => ({ x: index % 30, y: Math.floor(index / 30), value: 0.5 });
const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** By what they consist of. */
export const expensiveBodies: Readonly<Record<string, string>> = {
  'numbers instead of cells': batch(330, () => cellsOf(900, () => 1)),
  'wrong cells': batch(40, () => cellsOf(900, (index) => ({ ...cellAt(index), value: 2 }))),
  'cells outside of the grid': batch(40, () => cellsOf(900, (index) => ({ ...cellAt(index), x: 30 }))),
  'unknown keys': JSON.stringify(Object.fromEntries(names(90_000, 'k').map((name) => [name, 1]))),
  'unknown keys in updates': batch(400, (index) => Object.fromEntries(names(120, `k${index}-`).map((key) => [key, 1]))),
  'objects with one key each': fill((index) => `{"k${index.toString(36)}":1}`),
  'long keys': JSON.stringify(Object.fromEntries(names(10, 'k'.repeat(100_000)).map((name) => [name, 1]))),
  'deep arrays': '['.repeat(maxBytes),
  'deep objects': '{"a":'.repeat(200_000),
  'empty objects': fill(() => '{}'),
  'empty strings': fill(() => '""'),
  quotes: '"'.repeat(maxBytes),
  backslashes: `"${'\\'.repeat(maxBytes - 2)}"`,
  'clocks of too many devices': batch(500, (index) => ({
    kind: 'event',
    type: 'void',
    clock: Object.fromEntries(names(100, `d${index}-`).map((name) => [name, 1])),
  })),
  'wrong connections': batch(500, () => ({ kind: 'particle.put', id: 'p', connections: Array(64).fill('') })),
  'updates that are numbers': JSON.stringify({ updates: Array(500).fill(1) }),
  'spaces in a number of a size that has no end': `${' '.repeat(maxBytes - 1)}1`,
};

/** The largest valid bodies. */
export const largestBodies: Readonly<Record<string, string>> = {
  cells: batch(40, () => cellsOf(900, cellAt)),
  particles: batch(450, (index) => ({ kind: 'particle.put', id: `p${index}`, content: 'x'.repeat(2000) })),
  connections: batch(450, (index) => ({
    kind: 'particle.put',
    id: `p${index}`,
    connections: names(64, 'a-particle-with-a-name-'),
  })),
  clocks: batch(500, () => ({
    kind: 'event',
    type: 'void',
    clock: Object.fromEntries(names(64, 'a-phone-with-a-name-').map((name) => [name, 1])),
  })),
};
