/** Entry point of the live page: creates the client from the page's address and starts the app. */
import { predictGauges } from '../client/state/optimistic-state.ts';
import { createTabClient } from '../client/tabs/tab-client.ts';
import { startApp } from './app.ts';
import { byId } from './dom.ts';
import { mayWrite } from './identity/access.ts';
import { loadPart } from './load-part.ts';
import { currentField, pageAddress } from './sharing/address.ts';
import { readAccess } from './sharing/token.ts';
import type { TokenDialog } from './sharing/token-dialog.ts';
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
let tokenDialog: Promise<TokenDialog | undefined> | undefined;
async function askForToken(reason: string): Promise<void> {
  tokenDialog ??= loadPart(() => import('./sharing/token-dialog.ts')).then((part) => part?.createTokenDialog(field));
  (await tokenDialog)?.ask(reason);
}
startApp(client, {
  gridSize: Number(document.documentElement.dataset.gridSize),
  canWrite: !isViewer && mayWrite(token),
  askForToken: (reason) => (isViewer ? showEndOfView(field, reason) : void askForToken(reason)),
});
if (isViewer) showViewing(field);
// The dialogs' code is loaded when it is needed.
byId('fields', HTMLButtonElement).addEventListener('click', async () => {
  (await loadPart(() => import('./fields/gallery.ts')))?.openGallery(client, field);
});
byId('share', HTMLButtonElement).addEventListener('click', async () => {
  (await loadPart(() => import('./sharing/share-dialog.ts')))?.openShareDialog({ client, field, isViewer });
});
// A link with a token for the displayed field changes only the fragment, which does not reload the page.
addEventListener('hashchange', () => {
  if (/[#&](token|view)=/.test(location.hash)) location.reload();
});
await client.start();
await (await loadPart(() => import('./install/updates.ts')))?.startUpdates();
