/** How a queue stands, on Redis or on PostgreSQL. */
export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  /** Active, but no worker holds its lock. */
  readonly stalled: number;
  /** When the oldest job that is not done was added, in ms. */
  readonly oldestAt: number | null;
  readonly isPaused: boolean;
}
