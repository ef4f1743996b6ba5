/** Sends updates to a field as another device would, and waits until they are applied. */
import type { Update } from '../../../shared/field/update.ts';
import type { TestApi } from '../../api/support/with-app.ts';

export async function send(api: TestApi, field: string, device: string, updates: readonly Update[]): Promise<void> {
  const token = await api.createToken({ device });
  const answer = await api.request(`/api/fields/${field}/updates`, {
    token,
    body: { updates },
    headers: { prefer: 'wait=20' },
  });
  if (answer.status !== 200) throw new Error(`the updates are not applied: ${answer.status} ${answer.text}`);
}
