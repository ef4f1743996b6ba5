/** Undo, redo and repairs of edits, and what the inspector reports of them. */
import { createElement } from 'react';
import { act, create, type ReactTestRenderer } from 'react-test-renderer';
import t from 'tap';
import { createEditor, cutText } from '../../client/editing/editor.ts';
import { createInspector } from '../../client/inspector.ts';
import { FieldInspector, FieldProvider } from '../../client/react.ts';
import type { FieldClient } from '../../client/types.ts';
import { waitUntil } from '../support/wait-until.ts';
import { waitForStatus, waitUntilSynced, withClient, withField } from './with-client.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
const api = await withField(t);

const particleOf = (client: FieldClient, id: string) => client.state.memoryParticles.find((each) => each.id === id);

t.test('edits are undone in reverse order and done again, as updates that the server applies', async (t) => {
  const client = await withClient(t, { url: api.address, field: 'undo' });
  const editor = createEditor(client);
  editor.setCells([{ x: 1, y: 1, value: 0.25 }]);
  editor.putParticle('p', { position: { x: 1, y: 2 }, resonance: 0.4 });
  editor.setText('p', 'hello');
  editor.removeParticle('p');
  t.equal(particleOf(client, 'p'), undefined);

  editor.undo();
  t.match(particleOf(client, 'p'), { position: { x: 1, y: 2, z: 0 }, resonance: 0.4, content: 'hello' });
  editor.undo();
  t.equal(particleOf(client, 'p')?.content, '', 'content can be emptied, not removed');
  editor.undo();
  t.equal(particleOf(client, 'p'), undefined, 'a particle that did not exist is removed');
  editor.undo();
  t.equal(client.state.cells['1,1'], 0);
  t.equal(editor.undo(), undefined);
  t.notOk(editor.canUndo);

  for (let index = 0; index < 3; index++) t.ok(editor.redo());
  t.match(particleOf(client, 'p'), { position: { x: 1, y: 2, z: 0 }, content: 'hello' });
  t.equal(client.state.cells['1,1'], 0.25);
  await waitUntilSynced(client);
  t.equal(client.state.version, 4 + 4 + 3);
});

t.test('the edits of a step are undone and done again together', async (t) => {
  const client = await withClient(t, { url: api.address, field: 'undo-steps' });
  const editor = createEditor(client);
  editor.putParticle('p', { resonance: 0.5 });
  const endStep = editor.beginStep();
  editor.setCells([{ x: 1, y: 1, value: 0.2 }]);
  editor.setCells([
    { x: 1, y: 1, value: 0.6 },
    { x: 2, y: 1, value: 0.4 },
  ]);
  editor.putParticle('p', { resonance: 0.9 });
  endStep();
  endStep();
  editor.putParticle('p', { content: 'a step of its own' });

  editor.undo();
  t.match(particleOf(client, 'p'), { resonance: 0.9, content: '' });
  const { pending } = client;
  editor.undo();
  t.match(client.state.cells, { '1,1': 0, '2,1': 0 });
  t.equal(particleOf(client, 'p')?.resonance, 0.5);
  t.ok(client.pending <= pending + 2, 'the writes of cells are undone by one update');
  editor.redo();
  t.match(client.state.cells, { '1,1': 0.6, '2,1': 0.4 });
  t.equal(particleOf(client, 'p')?.resonance, 0.9);
  editor.undo();
  editor.undo();
  t.equal(particleOf(client, 'p'), undefined);
  t.notOk(editor.canUndo);
});

t.test('what others have changed since is not undone', async (t) => {
  const [client, other] = [
    await withClient(t, { url: api.address, field: 'undo-others' }),
    await withClient(t, { url: api.address, field: 'undo-others' }),
  ];
  const editor = createEditor(client);
  editor.putParticle('theirs', { content: 'mine', resonance: 0.2 });
  editor.putParticle('theirs', { content: 'mine again', resonance: 0.3 });
  editor.setCells([
    { x: 0, y: 0, value: 0.5 },
    { x: 1, y: 0, value: 0.5 },
  ]);
  await waitUntilSynced(client);
  await waitUntil('the other client has it', () => other.state.version === 3);
  other.putParticle('theirs', { content: 'of somebody else' });
  other.setCells([{ x: 0, y: 0, value: 0.75 }]);
  await waitUntil('their edits have arrived', () => client.state.version === 5);
  editor.undo();
  t.match(client.state.cells, { '0,0': 0.75, '1,0': 0 });
  editor.undo();
  t.match(particleOf(client, 'theirs'), { content: 'of somebody else', resonance: 0.2 });
  t.equal(editor.undo(), undefined, 'a particle that somebody else has written to is not removed');
});

t.test('a particle that was read can be put again, and a crystallized one keeps its resonance', async (t) => {
  const client = await withClient(t, { url: api.address, field: 'as-read' });
  client.putParticle('c', { resonance: 0.8, connections: ['x', 'y', 'z'], velocity: { x: 0.25, y: 0, z: 0 } });
  await waitUntilSynced(client);
  const before = particleOf(client, 'c');
  if (!before) throw new Error('the particle is missing');
  t.equal(before.crystallized, true);
  client.putParticle('c', { ...before });
  client.putParticle('copy', { ...before, position: { x: 5, y: 5 } });
  await waitUntilSynced(client);
  t.same(client.outbox, [], 'neither is refused');
  const { timestamp, ...shown } = before;
  t.match(particleOf(client, 'c'), shown);
  t.match(particleOf(client, 'copy'), { resonance: before.resonance, velocity: before.velocity, crystallized: true });
});

t.test('the lost side of a conflict is written again', async (t) => {
  const [client, other] = [
    await withClient(t, { url: api.address, field: 'restore-mine' }),
    await withClient(t, { url: api.address, field: 'restore-mine' }),
  ];
  await Promise.all([waitForStatus(client, 'live'), waitForStatus(other, 'live')]);
  client.setCells([{ x: 2, y: 2, value: 0.1 }]);
  other.setCells([{ x: 2, y: 2, value: 0.9 }]);
  await waitUntil('the conflict is known', () => client.conflicts.length === 1);
  const [conflict] = client.conflicts;
  if (!conflict) throw new Error('the conflict is missing');
  t.equal(createEditor(client).restoreMine({ ...conflict, own: undefined }), undefined);
  t.ok(createEditor(client).restoreMine(conflict));
  await waitUntil('the other client shows it', () => other.state.cells['2,2'] === 0.1);
});

t.test('text is cut to what a particle takes, and not within a character', (t) => {
  t.equal(cutText('short'), 'short');
  t.equal(cutText('x'.repeat(3000)).length, 2000);
  t.equal(cutText(`${'x'.repeat(1999)}\u{1f30c}`), 'x'.repeat(1999));
  t.end();
});

t.test('the inspector reports the outbox, latencies and problems, and neither tokens nor content', async (t) => {
  const token = await api.createToken({ device: 'inspected' });
  const client = await withClient(t, { url: api.address, field: 'inspected', token });
  const inspector = createInspector(client);
  await client.settled(client.putParticle('p', { content: 'a private note' }));
  await waitUntilSynced(client);
  await client.close();
  client.setCells([{ x: 0, y: 0, value: 1 }]);
  const report = inspector.report();
  t.match(report, {
    ...{ field: 'inspected', device: 'inspected', status: 'closed', isLoaded: true, particles: 1, pending: 1 },
    outbox: [{ counter: 2, kind: 'cells.set', status: 'queued', ageMs: Number }],
    latency: { applied: { count: 1, median: Number } },
  });
  const text = JSON.stringify(report);
  t.notMatch(text, 'private');
  t.notOk(text.includes(token));
  await client.start();

  let root: ReactTestRenderer | undefined;
  await act(async () => {
    root = create(createElement(FieldProvider, { source: client }, createElement(FieldInspector)));
  });
  t.match(JSON.stringify(root?.toJSON()), /inspected as inspected/);
  await act(async () => root?.unmount());
});
