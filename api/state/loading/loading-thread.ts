/** The code of `ThreadedStateLoader`'s thread: it has its own connections to PostgreSQL, and handles one task per call. */
import { workerData } from 'node:worker_threads';
import { connectDatabase, type DatabaseOptions } from '../../../db/connect.ts';
import { createFieldReader } from '../../../db/read/field-reader.ts';
import { type ErrorCode, FieldError } from '../../../shared/errors.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import type { LoadedState } from './loaded-state.ts';
import { createStateLoader } from './state-loader.ts';

export interface LoadingThreadOptions extends Omit<DatabaseOptions, 'log'> {
  readonly logLevel: string;
}

export interface LoadingTask {
  readonly field: FieldId;
  /** Undefined for the current state. */
  readonly version: number | undefined;
}

/** Errors lose their class between threads, so those with a code are returned instead of thrown. */
export type LoadingResult =
  | { readonly state: LoadedState | undefined }
  | { readonly code: ErrorCode; readonly detail: string | undefined };

const { logLevel, ...database } = workerData as LoadingThreadOptions;
const log = createLogger({ name: 'state-loader', level: logLevel });
const loader = createStateLoader(createFieldReader(connectDatabase({ ...database, log })));

export default async function runTask({ field, version }: LoadingTask): Promise<LoadingResult> {
  try {
    return { state: await (version === undefined ? loader.load(field) : loader.loadAt(field, version)) };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { code: error.code, detail: error.detail };
  }
}
