/** Controls which version of the field is shown, live or past, and the moves between versions. */
import { LogIndex, type LogPage } from './log-index.ts';
import { Playhead } from './player.ts';
import { TimelineView } from './timeline-view.ts';

/** How often the playhead moves; each move costs one read at most. */
const playIntervalMs = 200;
/** Entries that are read ahead while playing. */
const readAhead = 500;
/** How many of the newest entries are searched for events and conflicts once the timeline gets attention. */
const markedEntries = 2000;
const ageIntervalMs = 10_000;

interface TimelineDeps<State> {
  /** A GET request for a resource of the field. */
  readonly read: <Answer>(path: string) => Promise<Answer>;
  /** Called with an earlier state, or with undefined when the current state is shown again. */
  readonly onShow: (past: State | undefined) => void;
  /** Called when a version could not be read. */
  readonly onError: (error: unknown) => void;
}

/** `live` follows the field; `past` shows one version; `playing` moves from one to the next. */
type Mode =
  | { readonly kind: 'live' }
  | { readonly kind: 'past'; readonly version: number }
  | { readonly kind: 'playing'; readonly playhead: Playhead; readonly timer: ReturnType<typeof setInterval> };

interface ReadableState {
  readonly version: number;
  readonly lastUpdate: number;
}

/** One version is read at a time, and only the latest requested one is read next. */
export class Timeline<State extends ReadableState> {
  readonly #deps: TimelineDeps<State>;
  readonly #index: LogIndex;
  readonly #view: TimelineView;
  #mode: Mode = { kind: 'live' };
  #oldest = 0;
  #latest = 0;
  #markedThrough = 0;
  #isReading = false;
  #isLoadingAhead = false;
  /** Incremented by each move, so that the results of earlier requests are dropped. */
  #moves = 0;

  constructor(deps: TimelineDeps<State>) {
    this.#deps = deps;
    this.#index = new LogIndex((path) => deps.read<LogPage>(path));
    this.#view = new TimelineView({
      onVersion: (version) => this.#show(version),
      onLive: () => this.#returnToPresent(),
      onPlay: () => (this.#mode.kind === 'playing' ? this.#show(this.#shownVersion) : this.#play()),
      onGoBack: (ms) => void this.#attempt(() => this.#showTime(Date.now() - ms)),
      onGoTo: (time) => void this.#attempt(() => this.#showTime(time)),
      onMark: (direction) => void this.#attempt(() => this.#showMark(direction)),
      // The user has requested nothing, so a failure is not reported; the next attention retries.
      onAttention: () =>
        void this.#loadMarks().catch(() => {
          this.#markedThrough = 0;
        }),
    });
    setInterval(() => {
      if (this.isShowingPast) this.#render();
    }, ageIntervalMs);
    this.#render();
  }

  get isShowingPast(): boolean {
    return this.#mode.kind !== 'live';
  }

  /** Sets the current version, the upper end of the slider, and when it was written. */
  setVersion(version: number, time: number): void {
    if (version === this.#latest) return;
    this.#latest = version;
    if (time > 0) this.#index.addTime(version, time);
    this.#render();
  }

  setOldest(version: number): void {
    this.#oldest = version;
    this.#render();
  }

  /** Marks a conflict that the page has without reading the log. */
  addConflict({
    version,
    cell,
    time,
  }: {
    readonly version: number;
    readonly cell: string;
    readonly time: number;
  }): void {
    this.#index.addConflict(version, cell, time);
    this.#render();
  }

  get #shownVersion(): number {
    if (this.#mode.kind === 'live') return this.#latest;
    return this.#mode.kind === 'past' ? this.#mode.version : this.#mode.playhead.version;
  }

  #setMode(mode: Mode): void {
    if (this.#mode.kind === 'playing') clearInterval(this.#mode.timer);
    this.#mode = mode;
    this.#moves += 1;
    this.#render();
  }

  #show(version: number): void {
    this.#setMode({ kind: 'past', version: Math.min(this.#latest, Math.max(this.#oldest, version)) });
    void this.#read();
  }

  #returnToPresent(): void {
    this.#setMode({ kind: 'live' });
    this.#deps.onShow(undefined);
  }

  async #showTime(time: number): Promise<void> {
    const move = ++this.#moves;
    const version = await this.#index.findVersion(time, this.#oldest, this.#latest);
    if (move === this.#moves) this.#show(version);
  }

  async #showMark(direction: 1 | -1): Promise<void> {
    const move = ++this.#moves;
    await this.#loadMarks();
    if (move !== this.#moves) return;
    const from = this.#shownVersion;
    const { marks } = this.#index;
    const mark =
      direction > 0 ? marks.find(({ version }) => version > from) : marks.findLast(({ version }) => version < from);
    if (mark) this.#show(mark.version);
    else if (direction > 0) this.#returnToPresent();
  }

  async #loadMarks(): Promise<void> {
    if (this.#markedThrough === this.#latest) return;
    this.#markedThrough = this.#latest;
    await this.#index.load(this.#pageStart(this.#latest - markedEntries), this.#latest);
    this.#render();
    for (const version of this.#view.labelledVersions) {
      if (version > this.#oldest && this.#index.timeOf(version) === undefined) await this.#index.load(version, version);
    }
    this.#render();
  }

  /** Starts at the displayed version, or at the oldest if that is the current one. */
  #play(): void {
    const start = this.#shownVersion >= this.#latest ? this.#oldest + 1 : this.#shownVersion;
    const playhead = new Playhead((version) => this.#index.timeOf(version), start);
    let lastTick = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const elapsedMs = Math.min(now - lastTick, 2 * playIntervalMs);
      lastTick = now;
      if (document.hidden) return;
      playhead.advance(elapsedMs, this.#view.speed, this.#latest);
      if (playhead.version >= this.#latest) return this.#returnToPresent();
      this.#render();
      void this.#read();
      void this.#attempt(() => this.#loadAhead(playhead.version));
    }, playIntervalMs);
    this.#setMode({ kind: 'playing', playhead, timer });
    void this.#attempt(() => this.#index.load(this.#pageStart(start), start));
    void this.#read();
  }

  /** Reads the page that is being played and the next one, once each. */
  async #loadAhead(version: number): Promise<void> {
    const ahead = Math.min(version + readAhead / 2, this.#latest - 1);
    const isKnown = [version + 1, ahead].every((other) => this.#index.timeOf(other) !== undefined);
    if (isKnown || this.#isLoadingAhead) return;
    this.#isLoadingAhead = true;
    try {
      await this.#index.load(this.#pageStart(version), Math.max(version + 1, ahead));
    } finally {
      this.#isLoadingAhead = false;
    }
  }

  /** Pages start at fixed versions, so that each is read once. */
  #pageStart(version: number): number {
    return Math.max(this.#oldest, Math.floor(Math.max(0, version - 1) / readAhead) * readAhead) + 1;
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let shown: number | undefined; this.isShowingPast && this.#shownVersion !== shown; ) {
      shown = this.#shownVersion;
      try {
        const past = await this.#deps.read<State>(`?at=${shown}`);
        if (past.lastUpdate > 0) this.#index.addTime(past.version, past.lastUpdate);
        if (this.isShowingPast) this.#deps.onShow(past);
        this.#render();
      } catch (error) {
        if (this.isShowingPast) this.#returnToPresent();
        this.#deps.onError(error);
      }
    }
    this.#isReading = false;
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#deps.onError(error);
    }
  }

  #render(): void {
    const version = this.#shownVersion;
    this.#view.show({
      mode: this.#mode.kind,
      version,
      time: this.#index.timeOf(version),
      oldest: this.#oldest,
      latest: this.#latest,
      marks: this.#index.marks,
      timeOf: (other) => this.#index.timeOf(other),
    });
  }
}
