/** Entry point of the live page: creates the client from the page's address and starts the app. */
import { predictGauges } from '../client/state/optimistic-state.ts';
import { localStorage } from '../client/storage/local-storage.ts';
import { createTabClient } from '../client/tabs/tab-client.ts';
import { startApp } from './app.ts';
import { askForToken, readToken } from './token.ts';

const field = new URLSearchParams(location.search).get('field') ?? 'global';
const client = createTabClient({
  url: location.origin,
  field,
  token: readToken(),
  storage: localStorage(),
  prediction: predictGauges(),
});
startApp(client, Number(document.documentElement.dataset.gridSize), askForToken);
await client.start();
