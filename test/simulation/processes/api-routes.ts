/** The routes that clients use, without HTTP: what `api/routes/` does with the services of the process. */
import { formatEtag } from '../../../api/http/etag.ts';
import type { LoadedState } from '../../../api/state/loading/loaded-state.ts';
import { clipState } from '../../../api/streaming/regions/clip-state.ts';
import { waitUntilApplied } from '../../../api/updates/wait-until-applied.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import type { UpdateResult } from '../../../shared/contract/messages.ts';
import { toProblem } from '../../../shared/contract/problem.ts';
import { FieldError } from '../../../shared/errors.ts';
import { type Cursor, versionOf } from '../../../shared/field/cursor.ts';
import type { DeviceId, FieldId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { parseRegion } from './devices/parse-url.ts';
import { silentLog, type Variants } from './environment.ts';
import type { ApiServices } from './sim-api.ts';

export interface ApiRequest {
  readonly field: FieldId;
  /** The path below the field, with the query. */
  readonly path: string;
  readonly device: DeviceId;
  readonly ifNoneMatch: string | undefined;
  readonly waitSeconds: number;
  readonly updates: readonly SentUpdate[] | undefined;
}

export interface ApiResponse {
  readonly status: number;
  readonly etag: string | null;
  readonly retryAfterSeconds: number;
  readonly text: string;
}

type RouteDeps = ApiServices & Pick<Variants, 'matchesEtag'>;

/** Never rejects: errors become problem documents. */
export async function handleRequest(deps: RouteDeps, request: ApiRequest): Promise<ApiResponse> {
  try {
    if (request.updates) return await postUpdates(deps, request, request.updates);
    if (request.path.startsWith('/clock')) return await getClock(deps, request);
    if (request.path.startsWith('/updates')) return await getLog(deps, request);
    return await getState(deps, request);
  } catch (cause) {
    const error = cause instanceof FieldError ? cause : new FieldError('internal', { cause });
    const problem = toProblem(error);
    return respond(problem.status, problem, { retryAfterSeconds: error.retryAfterSeconds ?? 0 });
  }
}

async function postUpdates(deps: RouteDeps, request: ApiRequest, updates: readonly SentUpdate[]): Promise<ApiResponse> {
  const { acceptUpdates, replies, reader, versions } = deps;
  const { field, device, waitSeconds } = request;
  const writer = {
    field,
    device,
    user: device,
    caller: { user: device, address: '192.0.2.1' },
    grant: { pattern: '*' },
  };
  if (waitSeconds === 0) return respond(202, await acceptUpdates({ writer, updates }));
  const deadline = performance.now() + waitSeconds * 1000;
  const pendingReply = replies.open();
  try {
    const accepted = await acceptUpdates({ writer, updates, replyTo: pendingReply.address });
    const sent = { field, device, updates, sentAt: accepted.serverTime };
    const waitDeps = { replies, reader, versions, log: silentLog };
    const applied = await waitUntilApplied(waitDeps, { sent, pendingReply, deadline });
    if (!applied) return respond(202, accepted);
    const results: readonly UpdateResult[] = applied.results;
    return respond(200, { field, ...applied, results, serverTime: accepted.serverTime });
  } finally {
    pendingReply.close();
  }
}

/** As far as clients use it: to ask whether the log has a cursor. */
async function getLog({ reader }: RouteDeps, { field, path }: ApiRequest): Promise<ApiResponse> {
  const query = new URLSearchParams(path.slice(path.indexOf('?')));
  const after = (query.get('after') ?? '') as Cursor;
  const start = versionOf(after);
  const page = await readOrUnavailable(() => reader.readLog(field, start, Number(query.get('limit'))));
  if (!page) throw new FieldError('field_not_found');
  if (start < page.logStart) throw new FieldError('version_not_kept');
  if (!(await readOrUnavailable(() => reader.hasCursor(field, after)))) throw new FieldError('cursor_unknown');
  const { version, logStart: oldest, updates } = page;
  return respond(200, { field, version, oldest, updates });
}

async function getClock({ reader }: RouteDeps, { field, device }: ApiRequest): Promise<ApiResponse> {
  const page = await readOrUnavailable(() => reader.readClock(field, { device }));
  if (!page) throw new FieldError('field_not_found');
  return respond(200, { field, ...page });
}

async function readOrUnavailable<Answer>(read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read();
  } catch (cause) {
    throw new FieldError('reads_unavailable', { retryAfterSeconds: 2, cause });
  }
}

async function getState(deps: RouteDeps, { field, path, ifNoneMatch }: ApiRequest): Promise<ApiResponse> {
  const { states, versions, matchesEtag } = deps;
  const { state } = await states.read(field);
  versions.observe(field, state.version);
  const etag = formatEtag(state.cursor);
  if (matchesEtag(ifNoneMatch, etag)) return { status: 304, etag, retryAfterSeconds: 0, text: '' };
  return { status: 200, etag, retryAfterSeconds: 0, text: renderState(state, path) };
}

function renderState({ fragments, serialized }: LoadedState, path: string): string {
  const region = parseRegion(new URLSearchParams(path).get('region'));
  return (region ? serializeState(clipState(fragments, region)) : serialized).toString();
}

function respond(status: number, body: object, { retryAfterSeconds = 0 } = {}): ApiResponse {
  return { status, etag: null, retryAfterSeconds, text: JSON.stringify(body) };
}
