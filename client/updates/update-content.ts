/** What an update does, without what the outbox adds to it. */
import type { SentUpdate } from '../../shared/field/update.ts';

type WithoutOrigin<Each> = Each extends SentUpdate ? Omit<Each, 'counter' | 'timestamp' | 'seen' | 'clock'> : never;
export type UpdateContent = WithoutOrigin<SentUpdate>;
