/** Checks that every reader has the state that the log leads to: APIs, the cache, clients and watchers. */
import { isDeepStrictEqual } from 'node:util';
import { type StateFragments, toFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import type { State } from '../../../shared/contract/messages.ts';
import type { DeviceId } from '../../../shared/field/ids.ts';
import type { Region } from '../../../shared/field/math/region.ts';
import type { FieldState } from '../../../shared/field/state.ts';
import { viewOf } from '../../faults/devices/mirror.ts';
import { handleRequest } from '../processes/api-routes.ts';
import type { ApiServices, SimApi } from '../processes/sim-api.ts';
import type { World } from '../processes/world.ts';

/** How long an API may serve an old state: its checks of the cache take two reads, and a pause between them. */
const maxReads = 10;
const readIntervalMs = 1000;
const maxAnswerMs = 10_000;
const checker = 'checker' as DeviceId;

export async function checkReaders(world: World, state: FieldState): Promise<string[]> {
  const { field } = state;
  const expected = toState(state);
  const violations: string[] = [];
  const compare = (name: string, actual: State | undefined, region?: Region) => {
    const wanted = clip(expected, region);
    if (!actual) violations.push(`${field}: ${name} has no state`);
    else if (!isSameState(actual, wanted)) violations.push(`${field}: ${describe(name, actual, wanted)}`);
  };
  for (const api of world.apis)
    compare(`the state that ${api.name} serves`, await readUntilEqual(world, api, expected));
  for (const { options, client } of world.devices) {
    if (options.field !== field) continue;
    const { region, ...state } = (client?.state ?? {}) as State & { readonly region?: Region };
    compare(`the state of ${options.name}`, client && (state as State), region);
  }
  const cached = await readCache(world, state);
  if (cached) compare('the copy in the cache', parseState(serializeState(cached).toString()));
  for (const { name, field: watched, mirror, region } of world.watchers) {
    if (watched !== field || mirror.cursor === undefined) continue;
    if (!isDeepStrictEqual(mirror.view(), viewOf(clip(expected, region))))
      violations.push(`${field}: the copy of ${name} at ${mirror.cursor} differs from the state at ${expected.cursor}`);
  }
  return violations;
}

/** What a reader of a region has, by the protocol: the lower edges belong to it, and the upper ones do not. */
function clip(state: State, region: Region | undefined): State {
  if (!region) return state;
  const { x0, y0, x1, y1 } = region;
  const isInside = ({ x, y }: { readonly x: number; readonly y: number }) => x >= x0 && x < x1 && y >= y0 && y < y1;
  const cells = Object.entries(state.cells).filter(([cell]) => {
    const [x = 0, y = 0] = cell.split(',').map(Number);
    return isInside({ x, y });
  });
  const memoryParticles = state.memoryParticles.filter(({ position }) => isInside(position));
  return { ...state, cells: Object.fromEntries(cells), memoryParticles };
}

async function readUntilEqual(world: World, api: SimApi, expected: State): Promise<State | undefined> {
  const { time, variants } = world.environment;
  const { field } = expected;
  const request = { field, path: '', device: checker, ifNoneMatch: undefined, waitSeconds: 0, updates: undefined };
  let state: State | undefined;
  for (let read = 0; read < maxReads; read += 1) {
    const response = await ask(world, api, (services) =>
      handleRequest({ ...services, matchesEtag: variants.matchesEtag }, request),
    );
    state = response?.status === 200 ? parseState(response.text) : undefined;
    if (state && isSameState(state, expected)) return state;
    await time.runUntil(time.now + readIntervalMs);
  }
  return state;
}

async function readCache({ environment, apis }: World, { field }: FieldState): Promise<StateFragments | undefined> {
  const [api] = apis;
  return api && ask({ environment }, api, ({ cache }) => cache.read(field));
}

/** Has an API do something, and lets time pass until it has. */
async function ask<Answer>(
  { environment: { time } }: Pick<World, 'environment'>,
  api: SimApi,
  work: (services: ApiServices) => Promise<Answer>,
): Promise<Answer | undefined> {
  let answer: { readonly value: Answer | undefined } | undefined;
  time.scheduleFor(api.process, 0, () => {
    const running = api.services ? work(api.services) : Promise.resolve(undefined);
    running.then(
      (value) => {
        answer = { value };
      },
      () => {
        answer = { value: undefined };
      },
    );
  });
  await time.runUntil(time.now + maxAnswerMs, () => answer !== undefined);
  return answer?.value;
}

function toState(state: FieldState): State {
  return parseState(serializeState(toFragments(state)).toString());
}

function parseState(text: string): State {
  return JSON.parse(text) as State;
}

function isSameState(actual: State, expected: State): boolean {
  return isDeepStrictEqual(toComparable(actual), toComparable(expected));
}

/** The order of particles has no meaning. */
function toComparable(state: State): State {
  const memoryParticles = [...state.memoryParticles].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { ...state, memoryParticles };
}

function describe(name: string, actual: State, expected: State): string {
  const [has, wants] = [toComparable(actual), toComparable(expected)];
  const keys = Object.keys(wants) as (keyof State)[];
  const key = keys.find((each) => !isDeepStrictEqual(has[each], wants[each]));
  const values = [JSON.stringify(key && has[key]), JSON.stringify(key && wants[key])];
  return `${name} at ${actual.cursor} differs in ${key}: ${values.join(' instead of ')}`;
}
