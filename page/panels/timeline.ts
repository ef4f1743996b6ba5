/** The timeline slider: shows earlier versions of the field, as far back as they are stored. */
import { byId, setText } from '../dom.ts';
import { formatCount } from '../format.ts';

interface TimelineDeps<State> {
  readonly readAt: (version: number) => Promise<State>;
  /** Called with an earlier state, or with undefined when the current state is shown again. */
  readonly onShow: (past: State | undefined) => void;
  /** Called when a version could not be read. */
  readonly onError: (error: unknown) => void;
}

/** While the slider is dragged, one read runs at a time and only the latest requested version is read next. */
export class Timeline<State extends { readonly version: number }> {
  readonly #deps: TimelineDeps<State>;
  readonly #scrubber = byId('scrubber', HTMLInputElement);
  readonly #liveButton = byId('live', HTMLButtonElement);
  readonly #label = byId('version', HTMLOutputElement);
  #latest = 0;
  #requestedVersion: number | undefined;
  #isReading = false;

  constructor(deps: TimelineDeps<State>) {
    this.#deps = deps;
    this.#scrubber.addEventListener('input', () => {
      this.#requestedVersion = this.#scrubber.valueAsNumber;
      this.#render();
      void this.#read();
    });
    this.#liveButton.addEventListener('click', () => this.#returnToPresent());
    this.#render();
  }

  get isShowingPast(): boolean {
    return this.#requestedVersion !== undefined;
  }

  /** Sets the current version, the upper end of the slider. */
  setVersion(version: number): void {
    if (version === this.#latest) return;
    this.#latest = version;
    this.#scrubber.max = String(version);
    this.#render();
  }

  setOldest(version: number): void {
    this.#scrubber.min = String(version);
    this.#render();
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let shown: number | undefined; this.#requestedVersion !== undefined && this.#requestedVersion !== shown; ) {
      shown = this.#requestedVersion;
      try {
        const past = await this.#deps.readAt(shown);
        if (this.isShowingPast) this.#deps.onShow(past);
      } catch (error) {
        this.#returnToPresent();
        this.#deps.onError(error);
      }
    }
    this.#isReading = false;
  }

  #returnToPresent(): void {
    this.#requestedVersion = undefined;
    this.#deps.onShow(undefined);
    this.#render();
  }

  #render(): void {
    const version = this.#requestedVersion ?? this.#latest;
    if (!this.isShowingPast) this.#scrubber.value = String(version);
    this.#liveButton.setAttribute('aria-pressed', String(!this.isShowingPast));
    setText(this.#liveButton, this.isShowingPast ? 'Back to now' : 'Live');
    const of = this.isShowingPast ? ` of ${formatCount(this.#latest)}` : '';
    setText(this.#label, `version ${formatCount(version)}${of}`);
    const [low, high] = [Number(this.#scrubber.min), Math.max(1, Number(this.#scrubber.max))];
    const ratio = high > low ? (version - low) / (high - low) : 0;
    this.#scrubber.style.setProperty('--filled', `${(ratio * 100).toFixed(2)}%`);
  }
}
