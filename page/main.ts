/** Entry point of the live page: creates the client from the page's address and starts the app. */
import { predictGauges } from '../client/state/optimistic-state.ts';
import { createTabClient } from '../client/tabs/tab-client.ts';
import { startApp } from './app.ts';
import { byId } from './dom.ts';
import { mayWrite } from './identity/access.ts';
import { loadPart } from './load-part.ts';
import { currentField, pageAddress } from './sharing/address.ts';
import { createTokenDialog, readAccess } from './sharing/token.ts';
import { showEndOfView, showViewing } from './sharing/viewing.ts';
import { openStorage } from './storage.ts';

const field = currentField();
const { token, isViewer } = readAccess(field);
const client = createTabClient({
  url: pageAddress(),
  field,
  token,
  storage: openStorage(isViewer),
  prediction: predictGauges(),
});
const tokenDialog = createTokenDialog(field);
startApp(client, {
  gridSize: Number(document.documentElement.dataset.gridSize),
  canWrite: !isViewer && mayWrite(token),
  askForToken: (reason) => (isViewer ? showEndOfView(field, reason) : tokenDialog.ask(reason)),
});
if (isViewer) showViewing(field);
// Loaded when they are needed.
byId('fields', HTMLButtonElement).addEventListener('click', async () => {
  (await loadPart(() => import('./fields/gallery.ts')))?.openGallery(client, field);
});
byId('share', HTMLButtonElement).addEventListener('click', async () => {
  (await loadPart(() => import('./sharing/share-dialog.ts')))?.openShareDialog({ client, field, isViewer });
});
// A link with a token for the field that is shown changes only the fragment.
addEventListener('hashchange', () => {
  if (/[#&](token|view)=/.test(location.hash)) location.reload();
});
await client.start();
await (await loadPart(() => import('./install/updates.ts')))?.startUpdates();
