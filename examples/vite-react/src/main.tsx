/**
 * A canvas that everybody with the address draws on: `?url=http://…&field=…`. Works offline: edits are sent later. With `&inspect`
 * it shows what its client is doing.
 */
import {
  FieldInspector,
  FieldProvider,
  useActions,
  useField,
  useOutbox,
  usePending,
  useProblem,
  useStatus,
} from 'consciousness-field-client/react';
import { localStorage } from 'consciousness-field-client/storage/local-storage';
import { type PointerEvent, StrictMode, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

const gridSize = 30;
const pixels = 480;
const cellPixels = pixels / gridSize;

function Canvas() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cells = useField((state) => state.cells);
  const { setCells } = useActions();
  const [isErasing, setIsErasing] = useState(false);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.fillStyle = '#101018';
    context.fillRect(0, 0, pixels, pixels);
    for (const [cell, value] of Object.entries(cells)) {
      const [x = 0, y = 0] = cell.split(',').map(Number);
      context.fillStyle = `hsl(${200 + 160 * value} 90% 60% / ${value})`;
      context.fillRect(x * cellPixels + 1, y * cellPixels + 1, cellPixels - 2, cellPixels - 2);
    }
  }, [cells]);

  const draw = ({ nativeEvent, buttons }: PointerEvent) => {
    if (buttons === 0) return;
    const x = Math.floor(nativeEvent.offsetX / cellPixels);
    const y = Math.floor(nativeEvent.offsetY / cellPixels);
    const value = isErasing ? 0 : 1;
    const isOnCanvas = x >= 0 && y >= 0 && x < gridSize && y < gridSize;
    // Only if the value differs, so that dragging over a cell sends one update.
    if (isOnCanvas && (cells[`${x},${y}`] ?? 0) !== value) setCells([{ x, y, value }]);
  };
  return (
    <>
      <canvas
        ref={canvas}
        width={pixels}
        height={pixels}
        style={{ touchAction: 'none', cursor: 'crosshair' }}
        onPointerDown={draw}
        onPointerMove={draw}
      />
      <label>
        <input type="checkbox" checked={isErasing} onChange={({ target }) => setIsErasing(target.checked)} /> erase
      </label>
    </>
  );
}

function StatusLine() {
  const status = useStatus();
  const pending = usePending();
  const problem = useProblem();
  const refused = useOutbox().filter((entry) => entry.status === 'refused').length;
  return (
    <p role="status">
      {status}
      {pending > 0 && `, ${pending} waiting`}
      {refused > 0 && `, ${refused} refused`}
      {problem && `: ${problem.message}`}
    </p>
  );
}

const parameters = new URLSearchParams(window.location.search);
const source = {
  url: parameters.get('url') ?? 'http://127.0.0.1:3000',
  field: parameters.get('field') ?? 'canvas',
  storage: localStorage(),
};

const root = document.getElementById('root');
if (!root) throw new Error('the page has no element #root');
createRoot(root).render(
  <StrictMode>
    <FieldProvider source={source}>
      <h1>Shared canvas</h1>
      <Canvas />
      <StatusLine />
      {parameters.has('inspect') && <FieldInspector />}
    </FieldProvider>
  </StrictMode>,
);
