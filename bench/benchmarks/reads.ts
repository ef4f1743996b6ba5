/** Reads of a cached field, compared with a constant of the same size served by the same framework. */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { ConstantApi } from '../baselines/constant-api.ts';
import type { Bench } from '../bench.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { encodeRequest, HttpConnection } from '../load/http-connection.ts';
import { seedFields } from '../load/seed.ts';
import { createToken } from '../load/writers.ts';
import { describeSpread, format, median, medianRatio, round } from '../measure/statistics.ts';
import { RpcProcess } from '../stack/rpc-process.ts';

const connections = 32;
const field = 'bench-reads' as FieldId;

interface Measured {
  /** Reads per second. */
  readonly rate: number;
  /** CPU time of the server process per read. */
  readonly cpuUs: number;
}

export const reads: Bench = {
  name: 'reads',
  about: 'reads of a cached field of 1,000 particles, compared with a constant of the same size',
  async run({ stack, isQuick, printLine }) {
    await seedFields(stack, [field], 1000);
    const [url = ''] = stack.addresses;
    const token = await createToken('reader' as DeviceId);
    const path = `/api/fields/${field}`;
    const stateRequest = encodeRequest({ path, token });
    const summaryRequest = encodeRequest({ path: `${path}?view=summary`, token });
    const connection = await HttpConnection.open(url);
    const stateResponse = await connection.send(stateRequest);
    const summaryResponse = await connection.send(summaryRequest);
    connection.close();
    const etag = /\r\netag: (\S+)/i.exec(stateResponse.head)?.[1] ?? '';
    const unchanged = encodeRequest({ path, token, headers: `if-none-match: ${etag}\r\n` });
    const kinds = [
      {
        name: `state, ${format(stateResponse.body.length / 1000)} kB`,
        request: stateRequest,
        limit: '/0',
        expects: 200,
        requestFactor: 1,
      },
      {
        name: `summary, ${format(summaryResponse.body.length)} bytes`,
        request: summaryRequest,
        limit: '/1',
        expects: 200,
        requestFactor: 4,
      },
      { name: '304', request: unchanged, limit: '/unchanged', expects: 304, requestFactor: 4 },
    ].map((kind) => ({ ...kind, ours: [] as Measured[], theirs: [] as Measured[] }));

    const constantProcess = new RpcProcess<ConstantApi>(
      'constant',
      import.meta.resolve('../baselines/constant-api.ts'),
    );
    stack.usage.watch('constant', constantProcess.pid);
    const count = isQuick ? 1 : 5;
    const baseRequests = isQuick ? 400 : 2500;
    try {
      const constant = await constantProcess.call('listen', [stateResponse.body, summaryResponse.body]);
      for (let number = 0; number <= count; number++) {
        for (const { name, request, limit, expects, requestFactor, ours, theirs } of kinds) {
          const requests = baseRequests * requestFactor;
          const measure = async (server: string, address: string, bytes: Buffer): Promise<Measured> => {
            const used = () => stack.usage.readCpuMs().get(server) ?? 0;
            const before = used();
            const ms = await runClosedLoop({ urls: [address], connections, requests, next: () => bytes, expects });
            return { rate: (1000 * requests) / ms, cpuUs: (1000 * (used() - before)) / requests };
          };
          const our = await measure('API 1', url, request);
          const their = await measure('constant', constant, encodeRequest({ path: limit }));
          if (number === 0) continue; // Warm-up.
          ours.push(our);
          theirs.push(their);
          printLine(
            `round ${number} of ${count}: ${name}: ${format(our.rate)} reads/s, constant ${format(their.rate)}`,
          );
        }
      }
    } finally {
      await constantProcess.stop();
    }
    return {
      tables: [
        {
          title: 'Reads per second',
          columns: ['read', 'this service', 'constant', 'ratio', 'CPU µs per read', 'CPU µs per read, constant'],
          rows: kinds.map(({ name, ours, theirs }) => [
            name,
            describeSpread(ours.map(rateOf)),
            describeSpread(theirs.map(rateOf)),
            ratioOf(ours, theirs).toFixed(2),
            ...[ours, theirs].map((measured) => format(median(measured.map(({ cpuUs }) => cpuUs)))),
          ]),
          note: `${connections} connections. The constant verifies no token, reads no version from Redis, and writes no log line.`,
        },
      ],
      targets: kinds.map(({ name, ours, theirs }) => {
        const ratio = ratioOf(ours, theirs);
        const [value, limit] = [round(median(ours.map(rateOf)), 0), round(median(theirs.map(rateOf)), 0)];
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

function rateOf({ rate }: Measured): number {
  return rate;
}

function ratioOf(ours: readonly Measured[], theirs: readonly Measured[]): number {
  return medianRatio(ours.map(rateOf), theirs.map(rateOf));
}
