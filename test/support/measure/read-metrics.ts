/** Reads and parses the Prometheus text format of a /metrics endpoint. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export async function readMetrics(url: string): Promise<Sample[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} returned ${response.status}`);
  return parseMetrics(await response.text());
}

function parseMetrics(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]);
      return { name, labels: Object.fromEntries(pairs), value: value === 'Nan' ? Number.NaN : Number(value) };
    });
}

/** The sum of a metric over all series with these labels; undefined if there is none. */
export function sumOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}) {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** All values of each label, keyed by `metric label`. */
export function labelValues(samples: readonly Sample[]): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  for (const { name, labels } of samples) {
    for (const [label, value] of Object.entries(labels)) {
      const key = `${name.replace(/_(bucket|sum|count)$/, '')} ${label}`;
      values.set(key, (values.get(key) ?? new Set()).add(value));
    }
  }
  return values;
}
