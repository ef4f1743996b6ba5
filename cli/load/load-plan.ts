/** What a load is to be, and who takes part in it. */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';

export interface Credentials {
  readonly deviceId: DeviceId;
  readonly token: string;
}

export interface LoadPlan {
  /** The API, for example `http://127.0.0.1:3000`. */
  readonly url: string;
  /** The devices and watchers are dealt out to them in turn. */
  readonly fields: readonly FieldId[];
  readonly devices: readonly Credentials[];
  /** Each has a WebSocket open. */
  readonly watchers: readonly Credentials[];
  /** Updates in a request. */
  readonly batch: number;
  /** Updates a second, of all devices together; undefined is as fast as the answers come. */
  readonly rate: number | undefined;
  readonly seconds: number;
  /** How many of a hundred batches are sent again although they were accepted. */
  readonly resendPercent: number;
  /** Ends the sending; what was accepted is still waited for. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

export interface LoadProgress {
  readonly phase: 'sending' | 'settling';
  /** Of the phase, 0 to 1. */
  readonly fraction: number;
  readonly accepted: number;
  readonly applied: number;
}
