import t from 'tap';
import { measureBundle } from '../../dev/build/build-client.ts';

const maxGzippedBytes = 14.8 * 1024;

t.test('the bundle of the client is small and contains neither packages nor schemas', async (t) => {
  const { gzippedBytes, bytes, inputs } = await measureBundle('field-client');
  t.comment(`client: ${bytes} bytes minified, ${gzippedBytes} bytes gzipped`);
  t.ok(gzippedBytes < maxGzippedBytes, `${gzippedBytes} bytes`);
  t.same(
    inputs.filter((input) => input.includes('node_modules')),
    [],
  );
  t.same(
    inputs.filter((input) => input.startsWith('shared/contract/')),
    ['shared/contract/wire.ts'],
  );
  t.notOk(inputs.includes('shared/field/merge-update.ts'));
  t.same(
    inputs.filter((input) => input.startsWith('client/storage/')),
    [],
    'what stores and restores data comes with a storage',
  );
});

t.test("the prediction of gauges brings the server's merge rules", async (t) => {
  const { inputs } = await measureBundle('state/optimistic-state');
  t.ok(inputs.includes('shared/field/merge-update.ts'));
});
