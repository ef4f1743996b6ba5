/** The content of an update, without the properties that the outbox adds. */
import type { SentUpdate } from '../../shared/field/update.ts';

type WithoutOrigin<Each> = Each extends SentUpdate ? Omit<Each, 'counter' | 'timestamp' | 'seen' | 'clock'> : never;
export type UpdateContent = WithoutOrigin<SentUpdate>;
