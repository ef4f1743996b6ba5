/**
 * Secrets and signatures of webhooks by the Standard Webhooks specification (https://www.standardwebhooks.com). A secret is derived
 * from a key and the webhook's id, so that the database and its backups do not contain it.
 */
import { createHmac } from 'node:crypto';

/** @param key the setting `WEBHOOK_KEY` */
export function deriveWebhookSecret(key: string, webhookId: string): string {
  return `whsec_${createHmac('sha256', key).update(`webhook ${webhookId}`).digest('base64')}`;
}

export interface SignedMessage {
  readonly id: string;
  /** In seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/** The value of `webhook-signature`. */
export function signMessage(secret: string, { id, timestamp, body }: SignedMessage): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
