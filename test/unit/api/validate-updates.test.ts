/** What invalid input costs: a bounded answer, and no long turn of the event loop. */
import t from 'tap';
import { parseJson } from '../../../api/http/parse-json.ts';
import { createUpdatesBodyValidator } from '../../../api/validation/validate-updates.ts';
import { toProblem } from '../../../shared/contract/problem.ts';
import { createUpdatesSchema } from '../../../shared/contract/update.ts';
import { maxRequestBytes } from '../../../shared/contract/wire.ts';
import { FieldError } from '../../../shared/errors.ts';
import { withCorruptedUpdate, withOddNumber, withOddText, withOddType } from '../../fuzz/kinds/bad-values.ts';
import { expensiveBodies, largestBodies } from '../../fuzz/kinds/expensive-input.ts';
import { measureTurns, measureTurnsRepeatedly } from '../../support/measure/measure-turns.ts';
import { event } from '../contract/valid-updates.ts';
import { seededRandom } from '../field/support/seeded-random.ts';

const validate = createUpdatesBodyValidator(30);
const schema = createUpdatesSchema(30);

async function problemOf(text: string) {
  try {
    await validate(await parseJson(text));
    return undefined;
  } catch (error) {
    if (error instanceof FieldError) return toProblem(error);
    throw error;
  }
}

/** No request may take more of the event loop at a time. */
const maxTurnMs = 20;
/** A problem with 20 errors, each with a path and a message of 200 characters. */
const maxAnswerBytes = 10_000;

for (const [what, text] of Object.entries(expensiveBodies)) {
  t.test(`a megabyte of ${what} is refused at little cost`, async (t) => {
    t.ok(text.length <= maxRequestBytes, `${text.length} bytes`);
    const problem = await problemOf(text);
    t.match(problem?.code, /bad_request|invalid_input/);
    const answer = JSON.stringify(problem);
    t.ok(answer.length <= maxAnswerBytes, `an answer of ${answer.length} bytes`);
    t.ok((problem?.errors?.length ?? 0) <= 20, `${problem?.errors?.length} errors`);
    const { cpuMs, longestTurnMs } = await measureTurnsRepeatedly(maxTurnMs, () => problemOf(text));
    t.comment(`${what}: ${cpuMs.toFixed(1)} ms of CPU, ${longestTurnMs.toFixed(1)} ms at a time`);
    t.ok(longestTurnMs <= maxTurnMs, `${longestTurnMs} ms at a time`);
    t.ok(cpuMs <= 2 * maxTurnMs, `${cpuMs} ms`);
  });
}

for (const [what, text] of Object.entries(largestBodies)) {
  t.test(`a valid body of the largest ${what} does not hold up the event loop`, async (t) => {
    t.ok(text.length > 0.75 * maxRequestBytes && text.length <= maxRequestBytes, `${text.length} bytes`);
    t.equal(await problemOf(text), undefined);
    const { cpuMs, longestTurnMs } = await measureTurnsRepeatedly(maxTurnMs, () => problemOf(text));
    t.comment(`${what}: ${cpuMs.toFixed(1)} ms of CPU, ${longestTurnMs.toFixed(1)} ms at a time`);
    t.ok(longestTurnMs <= maxTurnMs, `${longestTurnMs} ms at a time`);
  });
}

t.test('the measurement finds a validation that collects every issue, and a parser that takes every key', async (t) => {
  const wrongCells = JSON.parse(expensiveBodies['numbers instead of cells'] ?? '');
  // Measured once: whatever else the machine does only adds to it.
  const collect = async () => schema.safeParse(wrongCells.updates);
  t.ok((await measureTurns(collect)).longestTurnMs > 2 * maxTurnMs);
  const keys = expensiveBodies['objects with one key each'] ?? '';
  const parse = async () => JSON.parse(keys);
  t.ok((await measureTurns(parse)).longestTurnMs > 2 * maxTurnMs);
});

t.test('keys and values that a client sent are repeated in part only', async (t) => {
  const long = 'k'.repeat(10_000);
  const update = { ...event, [long]: 1, clock: { [`${long} `]: 1 }, type: long };
  const problem = await problemOf(JSON.stringify({ updates: [update] }));
  const answer = JSON.stringify(problem);
  t.ok(answer.length < 1500, `${answer.length} bytes`);
  t.notMatch(answer, 'k'.repeat(50));
});

t.test('the errors name the update, the cell and the counter', async (t) => {
  const cells = [{ x: 0, y: 0, value: 0 }, { x: 1, y: 0, value: 7 }, 5];
  const updates = [
    { ...event, counter: 1 },
    { counter: 2, timestamp: 1, kind: 'cells.set', cells },
    { ...event, counter: 1 },
  ];
  const paths = (await problemOf(JSON.stringify({ updates })))?.errors?.map(({ path }) => path);
  t.same(paths, ['/updates/1/cells/1/value', '/updates/1/cells/2', '/updates/2/counter']);
  const falling = [event, { ...event, counter: event.counter }];
  t.match(await problemOf(JSON.stringify({ updates: falling })), { errors: [{ path: '/updates/1/counter' }] });
});

t.test('exactly what the documented schema accepts is accepted', async (t) => {
  const random = seededRandom(7);
  for (let round = 0; round < 3000; round++) {
    const text = random.pick([withOddNumber, withOddText, withOddType, withCorruptedUpdate])(random);
    const value = JSON.parse(text);
    const isAccepted = (await problemOf(text)) === undefined;
    t.equal(isAccepted, Array.isArray(value.updates) && schema.safeParse(value.updates).success, text.slice(0, 300));
  }
  for (const text of Object.values(largestBodies)) {
    t.strictSame((await validate(JSON.parse(text))).updates, schema.parse(JSON.parse(text).updates));
  }
});
