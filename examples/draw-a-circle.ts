/** Draws a circle of cells, waits until every edit is applied, and prints what happened. Usage: see examples/README.md. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFieldClient } from '../client/field-client.ts';
import { fileStorage } from '../client/storage/file-storage.ts';

const [field = 'global'] = process.argv.slice(2);
const { FIELD_URL: url = 'http://127.0.0.1:3000', FIELD_TOKEN: token } = process.env;

const client = createFieldClient({
  url,
  field,
  ...(token === undefined ? {} : { token }),
  // Edits that were not sent when the process ends are sent by the next run.
  storage: fileStorage(join(tmpdir(), 'field-example')),
});
client.on('problem', ({ code, message }) => console.error(`${code}: ${message}`));
await client.start();

const center = { x: 15, y: 15 };
const radius = 8;
const entries = Array.from({ length: 24 }, (_, step) => {
  const angle = (step / 24) * 2 * Math.PI;
  const x = Math.round(center.x + radius * Math.cos(angle));
  const y = Math.round(center.y + radius * Math.sin(angle));
  return client.setCells([{ x, y, value: 0.9 }]);
});
const settled = await Promise.all(entries.map((entry) => client.settled(entry)));

const applied = settled.filter(({ status }) => status === 'applied').length;
const conflicts = settled.filter(({ status }) => status === 'conflict').length;
console.log(`${entries.length} edits: ${applied} applied, ${conflicts} in conflict with concurrent edits`);
await client.close();
