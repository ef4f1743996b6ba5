/** Findings for people, grouped by subject, each with its advice. */
import { styleText } from 'node:util';
import { escapeControlChars } from '../text/escape-control-chars.ts';
import { pluralize } from '../text/format-numbers.ts';
import type { Finding } from './findings.ts';

const marks = {
  ok: { text: 'ok     ', colour: 'green' },
  warning: { text: 'WARNING', colour: 'yellow' },
  problem: { text: 'PROBLEM', colour: 'red' },
} as const;

export function renderFindings(findings: readonly Finding[], isColoured: boolean): string {
  const subjects = [...new Set(findings.map(({ subject }) => subject))];
  const groups = subjects.map((subject) => {
    const group = findings.filter((finding) => finding.subject === subject);
    const lines = group.map((finding, index) => {
      // Consecutive findings of one kind share their advice, which follows the last of them.
      const isRepeated = group[index + 1]?.code === finding.code;
      return renderOne(isRepeated ? { ...finding, advice: undefined } : finding, isColoured);
    });
    return [isColoured ? styleText('bold', subject) : subject, ...lines].join('\n');
  });
  return `${groups.join('\n')}\n\n${summarise(findings)}`;
}

function renderOne({ level, message, advice }: Finding, isColoured: boolean): string {
  const { text, colour } = marks[level];
  const mark = isColoured ? styleText(colour, text) : text;
  return `  ${mark}  ${escapeControlChars(message)}${advice ? `\n           ${advice}` : ''}`;
}

function summarise(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  if (problems + warnings === 0) return 'No problems found.';
  return `${pluralize(problems, 'problem')}, ${pluralize(warnings, 'warning')}`;
}
