/** A panel for developers and support: what the client is doing, refreshed every second, and a button that copies it. */
import { type CSSProperties, createElement, type ReactNode, useEffect, useState } from 'react';
import { createInspector, type InspectorReport, type Latency } from '../inspector.ts';
import { useFieldClient } from './provider.ts';

/** The part of a browser's globals that copies text. */
interface Clipboard {
  readonly navigator?: { readonly clipboard?: { writeText(text: string): Promise<void> } };
}

const refreshMs = 1000;
const maxShown = 8;

const panelStyle: CSSProperties = {
  ...{ position: 'fixed', right: 8, bottom: 8, zIndex: 9999, maxWidth: 420, maxHeight: '60vh', overflow: 'auto' },
  ...{ font: '12px/1.4 ui-monospace, monospace', padding: 8, borderRadius: 6 },
  ...{ background: '#111c', color: '#eee', whiteSpace: 'pre-wrap' },
};

/** Shows the client of the nearest `FieldProvider`. For browsers: in React Native use `createInspector`. */
export function FieldInspector(): ReactNode {
  const client = useFieldClient();
  const [report, setReport] = useState<InspectorReport>();
  useEffect(() => {
    const inspector = createInspector(client);
    const refresh = () => setReport(inspector.report());
    refresh();
    const timer = setInterval(refresh, refreshMs);
    return () => {
      clearInterval(timer);
      inspector.close();
    };
  }, [client]);
  if (!report) return null;
  const copy = () => void (globalThis as Clipboard).navigator?.clipboard?.writeText(JSON.stringify(report, null, 2));
  return createElement(
    'section',
    { style: panelStyle, 'aria-label': 'Field inspector' },
    createElement('button', { type: 'button', onClick: copy, style: { float: 'right' } }, 'Copy'),
    formatReport(report),
  );
}

/** @returns lines of text */
function formatReport(report: InspectorReport): string {
  const { field, device, status, transport, cursor, particles, cells, present, pending, outbox, conflicts, problems } =
    report;
  const { accepted, applied } = report.latency;
  const lines = [
    `${field} as ${device ?? 'no device yet'}`,
    `${status}${transport ? ` by ${transport}` : ''}, at ${cursor}`,
    `${particles} particles, ${cells} cells, ${conflicts} conflicts`,
    `${present.devices} devices present, ${present.shown} of them shown`,
    `accepted ${formatLatency(accepted)}, applied ${formatLatency(applied)}`,
    `${pending} pending`,
    ...outbox
      .slice(0, maxShown)
      .map(({ counter, kind, status, ageMs, reason }) =>
        [`  ${counter} ${kind} ${status} ${Math.round(ageMs / 1000)} s`, reason].filter(Boolean).join(': '),
      ),
    ...problems.slice(0, maxShown).map(({ at, code, message }) => `${at.slice(11, 19)} ${code}: ${message}`),
  ];
  return lines.join('\n');
}

function formatLatency(latency: Latency | undefined): string {
  return latency ? `${latency.median} ms (${latency.longest} at most)` : '–';
}
