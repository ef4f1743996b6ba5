/** Reads of a cached field, beside the same framework answering with a constant of the same size. */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Bench } from '../bench.ts';
import type { ConstantApi } from '../limits/constant-api.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { fillFields } from '../load/fill.ts';
import { encodeRequest, HttpLane } from '../load/http-lane.ts';
import { tokenFor } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, round } from '../measure/statistics.ts';
import { Helper } from '../stack/helper.ts';

const lanes = 32;
const field = 'bench-reads' as FieldId;

export const reads: Bench = {
  name: 'reads',
  about: 'reads of a cached field of 1,000 particles, beside a constant of the same size',
  async run({ stack, isQuick, say }) {
    await fillFields(stack, [field], 1000);
    const [url = ''] = stack.addresses;
    const token = await tokenFor('reader' as DeviceId);
    const path = `/api/fields/${field}`;
    const whole = encodeRequest({ path, token });
    const summary = encodeRequest({ path: `${path}?view=summary`, token });
    const lane = await HttpLane.open(url);
    const wholeAnswer = await lane.send(whole);
    const summaryAnswer = await lane.send(summary);
    lane.close();
    const etag = /\r\netag: (\S+)/i.exec(wholeAnswer.head)?.[1] ?? '';
    const unchanged = encodeRequest({ path, token, headers: `if-none-match: ${etag}\r\n` });
    const kinds = [
      {
        name: `state, ${format(wholeAnswer.body.length / 1000)} kB`,
        request: whole,
        limit: '/0',
        expects: 200,
        weight: 1,
      },
      {
        name: `summary, ${format(summaryAnswer.body.length)} bytes`,
        request: summary,
        limit: '/1',
        expects: 200,
        weight: 4,
      },
      { name: '304', request: unchanged, limit: '/unchanged', expects: 304, weight: 4 },
    ].map((kind) => ({ ...kind, ours: [] as number[], theirs: [] as number[] }));

    const helper = new Helper<ConstantApi>('constant', import.meta.resolve('../limits/constant-api.ts'));
    stack.usage.watch('constant', helper.pid);
    const count = isQuick ? 1 : 5;
    const unit = isQuick ? 400 : 2500;
    try {
      const constant = await helper.ask('listen', [wholeAnswer.body, summaryAnswer.body]);
      for (let number = 0; number <= count; number++) {
        for (const { name, request, limit, expects, weight, ours, theirs } of kinds) {
          const requests = unit * weight;
          const measure = async (urls: string[], bytes: Buffer) =>
            (1000 * requests) / (await runClosedLoop({ urls, lanes, requests, next: () => bytes, expects }));
          const ourRate = await measure([url], request);
          const theirRate = await measure([constant], encodeRequest({ path: limit }));
          if (number === 0) continue; // Warms up.
          ours.push(ourRate);
          theirs.push(theirRate);
          say(`round ${number} of ${count}: ${name}: ${format(ourRate)} reads/s, constant ${format(theirRate)}`);
        }
      }
    } finally {
      await helper.stop();
    }
    return {
      tables: [
        {
          title: 'Reads a second',
          columns: ['read', 'this service', 'constant', 'ratio'],
          rows: kinds.map(({ name, ours, theirs }) => [
            name,
            describeSpread(ours),
            describeSpread(theirs),
            medianRatio(ours, theirs).toFixed(2),
          ]),
          note: `${lanes} connections. The constant has no token to check, no version to ask Redis for, and no log line to write.`,
        },
      ],
      targets: kinds.map(({ name, ours, theirs }) => {
        const ratio = medianRatio(ours, theirs);
        const [value, limit] = [round(median(ours), 0), round(median(theirs), 0)];
        return {
          what: `cached reads/s: ${name}`,
          value,
          limit,
          ratio: round(ratio),
          target: '≥ 0.5 of the constant',
          met: ratio >= 0.5,
        };
      }),
    };
  },
};
