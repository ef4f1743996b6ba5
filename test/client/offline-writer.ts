/** A process that cannot reach its server: it fills its outbox, prints the number of entries and waits to be killed. */
import { createFieldClient } from '../../client/field-client.ts';
import { fileStorage } from '../../client/storage/file-storage.ts';
import { waitUntil } from '../support/wait-until.ts';

const [, , url = '', field = '', folder = '', count = '0'] = process.argv;
const client = createFieldClient({ url, field, storage: fileStorage(folder) });
await client.start();
for (let edit = 1; edit <= Number(count); edit += 1) client.putParticle(`p-${edit}`, { content: `edit ${edit}` });
const storage = fileStorage(folder);
const lastKey = `consciousness-field/${field}/outbox/${count}`;
await waitUntil('the last edit is stored', async () => (await storage.get(lastKey)) !== null);
process.stdout.write(`${client.pending}\n`);
