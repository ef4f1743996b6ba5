/** The parameters of a load, and its devices. */
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';

export interface Credentials {
  readonly deviceId: DeviceId;
  readonly token: string;
}

export interface LoadPlan {
  /** The API, for example `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Devices and watchers are assigned to the fields round-robin. */
  readonly fields: readonly FieldId[];
  readonly devices: readonly Credentials[];
  /** Each watcher has a WebSocket open. */
  readonly watchers: readonly Credentials[];
  /** Updates in a request. */
  readonly batch: number;
  /** Updates per second of all devices together; undefined means as fast as they are accepted. */
  readonly rate: number | undefined;
  readonly seconds: number;
  /** The percentage of accepted batches that are sent again. */
  readonly resendPercent: number;
  /** Stops sending; accepted updates are still awaited. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

export interface LoadProgress {
  readonly phase: 'sending' | 'settling';
  /** The finished part of the phase, 0 to 1. */
  readonly fraction: number;
  readonly accepted: number;
  readonly applied: number;
}
