/** Sends updates as another device and waits until they are applied. */
import type { Update } from '../../../shared/field/update.ts';
import type { TestApi } from '../../api/support/with-app.ts';

export async function send(api: TestApi, field: string, device: string, updates: readonly Update[]): Promise<void> {
  const token = await api.createToken({ device });
  const response = await api.request(`/api/fields/${field}/updates`, {
    token,
    body: { updates },
    headers: { prefer: 'wait=20' },
  });
  if (response.status !== 200) throw new Error(`the updates were not applied: ${response.status} ${response.text}`);
}
