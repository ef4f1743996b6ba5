/** The check of costs finds what is expensive: planted costs, since the real ones are cheap. */
import t from 'tap';
import { judgeCost } from '../../fuzz/costs/judge-cost.ts';
import { randomBody } from '../../fuzz/costs/random-bodies.ts';
import { seededRandom } from '../field/support/seeded-random.ts';

const megabyte = 1024 * 1024;

t.test('a refusal that takes long or is answered at length is found, and a cheap one is not', async (t) => {
  const cheap = { cpuMs: 10, bytesIn: megabyte, bytesOut: 400 };
  t.same(judgeCost(cheap, true, 60), []);
  t.match(judgeCost({ ...cheap, cpuMs: 1000 }, true, 60), [/1000 ms of CPU, above 60/]);
  t.match(judgeCost({ ...cheap, bytesOut: 1_170_000 }, true, 60), [/answered with 1170000 bytes/]);
  t.same(
    judgeCost({ ...cheap, cpuMs: 1000, bytesOut: megabyte }, false, 60),
    [],
    'an answer may cost what it is worth',
  );
});

t.test('random bodies are valid JSON of up to a megabyte, and the same for a seed', async (t) => {
  const sizes = Array.from({ length: 40 }, (_, seed) => {
    const body = randomBody(seededRandom(seed + 1));
    t.equal(body, randomBody(seededRandom(seed + 1)));
    t.ok(body.length <= megabyte, `${body.length} bytes`);
    JSON.parse(body);
    return body.length;
  });
  t.ok(Math.max(...sizes) > megabyte / 2, 'some are large');
});
