/** Watches a field and prints every change and conflict until Ctrl-C. Usage: see examples/README.md. */
import { WebSocket } from 'ws';
import { createFieldClient } from '../client/field-client.ts';

const [field = 'global'] = process.argv.slice(2);
const { FIELD_URL: url = 'http://127.0.0.1:3000', FIELD_TOKEN: token } = process.env;

// Node 20 has no WebSocket of its own; without one the client polls, and receives no deltas.
const client = createFieldClient({ url, field, WebSocket, ...(token === undefined ? {} : { token }) });
client.on('status', (status) => console.log(`status: ${status}`));
client.on('message', (message) => {
  if (message.type !== 'delta') return;
  const { particles, cells } = message.changes;
  const changes = `${Object.keys(particles).length} particles, ${Object.keys(cells).length} cells`;
  console.log(`version ${client.state.version}: ${changes} changed`);
});
client.on('conflict', ({ cell, local, remote, winner }) => {
  console.log(
    `conflict at ${cell}: ${local.value} (${local.device}) and ${remote.value} (${remote.device}), kept: ${winner}`,
  );
});
client.on('problem', ({ code, message }) => console.error(`${code}: ${message}`));

process.once('SIGINT', () => void client.close());
await client.start();
