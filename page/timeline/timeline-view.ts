/** The controls of the timeline and their display. */
import { byId, setText } from '../dom.ts';
import { formatCount } from '../format.ts';
import { formatAge, formatMoment } from './format-time.ts';
import { drawTicks, labelledVersions, type TickRange } from './ticks.ts';

interface TimelineActions {
  readonly onVersion: (version: number) => void;
  readonly onLive: () => void;
  /** Starts or stops playing. */
  readonly onPlay: () => void;
  readonly onGoBack: (ms: number) => void;
  readonly onGoTo: (time: number) => void;
  readonly onMark: (direction: 1 | -1) => void;
  /** The pointer or the focus has entered the timeline. */
  readonly onAttention: () => void;
}

interface Shown extends TickRange {
  readonly mode: 'live' | 'past' | 'playing';
  readonly version: number;
  /** When the version was written, if that is known. */
  readonly time: number | undefined;
}

export class TimelineView {
  readonly #scrubber = byId('scrubber', HTMLInputElement);
  readonly #liveButton = byId('live', HTMLButtonElement);
  readonly #playButton = byId('play', HTMLButtonElement);
  readonly #speed = byId('speed', HTMLSelectElement);
  readonly #label = byId('version', HTMLOutputElement);
  readonly #banner = byId('past', HTMLElement);
  readonly #ticks = byId('ticks', HTMLCanvasElement);
  #shown: Shown | undefined;

  constructor(actions: TimelineActions) {
    this.#scrubber.addEventListener('input', () => actions.onVersion(this.#scrubber.valueAsNumber));
    this.#liveButton.addEventListener('click', actions.onLive);
    this.#playButton.addEventListener('click', actions.onPlay);
    byId('mark-before', HTMLButtonElement).addEventListener('click', () => actions.onMark(-1));
    byId('mark-after', HTMLButtonElement).addEventListener('click', () => actions.onMark(1));
    this.#attachGoBack(actions);
    const timeline = byId('timeline', HTMLElement);
    for (const type of ['pointerenter', 'focusin']) timeline.addEventListener(type, actions.onAttention);
    new ResizeObserver(() => this.#drawTicks()).observe(this.#ticks);
    new MutationObserver(() => this.#drawTicks()).observe(document.documentElement, {
      attributeFilter: ['data-theme'],
    });
  }

  /** The ratio of log time to time on the screen while playing. */
  get speed(): number {
    return Number(this.#speed.value);
  }

  get labelledVersions(): readonly number[] {
    const { oldest, latest } = this.#shown ?? { oldest: 0, latest: 0 };
    return labelledVersions(oldest, latest, this.#ticks.clientWidth);
  }

  show(shown: Shown): void {
    const { mode, version, time, oldest, latest } = shown;
    const hasMoved = this.#shown?.oldest !== oldest || this.#shown.latest !== latest;
    const hasMarks = this.#shown?.marks.length !== shown.marks.length;
    this.#shown = shown;
    const isPast = mode !== 'live';
    this.#scrubber.min = String(oldest);
    this.#scrubber.max = String(latest);
    this.#scrubber.value = String(version);
    const now = Date.now();
    const moment = time === undefined ? '' : formatMoment(time, now);
    const ago = time === undefined ? '' : formatAge(time, now);
    const of = isPast ? ` of ${formatCount(latest)}` : '';
    const mark = shown.marks.find((candidate) => candidate.version === version);
    const text = [moment, `version ${formatCount(version)}${of}`, mark && isPast ? mark.label : ''].filter(Boolean);
    setText(this.#label, text.join(' · '));
    this.#scrubber.setAttribute('aria-valuetext', [ago, ...text].filter(Boolean).join(', '));
    this.#liveButton.setAttribute('aria-pressed', String(!isPast));
    setText(this.#liveButton, isPast ? 'Back to now' : 'Live');
    this.#playButton.setAttribute('aria-label', mode === 'playing' ? 'Pause' : 'Play');
    setText(this.#playButton, mode === 'playing' ? '❚❚' : '▶');
    const fallback = version === 0 ? 'before the first change' : `version ${formatCount(version)}`;
    this.#showPast({ isPast, isPlaying: mode === 'playing' }, [ago, moment].filter(Boolean).join(', ') || fallback);
    const ratio = latest > oldest ? (version - oldest) / (latest - oldest) : 0;
    this.#scrubber.style.setProperty('--filled', `${(ratio * 100).toFixed(2)}%`);
    if (hasMoved || hasMarks || !isPast) this.#drawTicks();
  }

  /** Makes it unmistakable that this is not the present: by this class, the style sheet frames the whole page. */
  #showPast({ isPast, isPlaying }: { isPast: boolean; isPlaying: boolean }, moment: string): void {
    document.body.classList.toggle('is-past', isPast);
    this.#banner.hidden = !isPast;
    // Otherwise screen readers would read each step of playback.
    this.#banner.setAttribute('aria-live', isPlaying ? 'off' : 'polite');
    if (isPast) setText(this.#banner, `You see the past: ${moment}`);
  }

  #drawTicks(): void {
    if (this.#shown) drawTicks(this.#ticks, this.#shown);
  }

  #attachGoBack({ onGoBack, onGoTo, onLive }: TimelineActions): void {
    const select = byId('go-back', HTMLSelectElement);
    const moment = byId('moment', HTMLInputElement);
    select.addEventListener('change', () => {
      moment.hidden = select.value !== 'choose';
      if (select.value === 'choose') {
        moment.value = toLocalInput(Date.now());
        moment.focus();
      } else if (select.value === 'now') onLive();
      else onGoBack(Number(select.value) * 1000);
      // Resets the select, so that the same entry can be chosen again.
      if (select.value !== 'choose') select.selectedIndex = 0;
    });
    moment.addEventListener('change', () => {
      const time = new Date(moment.value).getTime();
      if (Number.isFinite(time)) onGoTo(time);
    });
  }
}

/** The value of an input of the type `datetime-local`, which has no time zone. */
function toLocalInput(time: number): string {
  return new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
