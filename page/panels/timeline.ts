/** The scrubber: from the present back through the versions that are kept. */
import { byId, setText } from '../dom.ts';
import { formatCount } from '../format.ts';

interface TimelineDeps<State> {
  readonly readAt: (version: number) => Promise<State>;
  /** A state of the past, or undefined when the present is shown again. */
  readonly onShow: (past: State | undefined) => void;
  /** That version could not be shown. */
  readonly onFail: (error: unknown) => void;
}

/** A hand that drags asks for more versions than can be read: only the newest wish is read, one at a time. */
export class Timeline<State extends { readonly version: number }> {
  readonly #deps: TimelineDeps<State>;
  readonly #scrubber = byId('scrubber', HTMLInputElement);
  readonly #live = byId('live', HTMLButtonElement);
  readonly #label = byId('version', HTMLOutputElement);
  #latest = 0;
  #wanted: number | undefined;
  #isReading = false;

  constructor(deps: TimelineDeps<State>) {
    this.#deps = deps;
    this.#scrubber.addEventListener('input', () => {
      this.#wanted = this.#scrubber.valueAsNumber;
      this.#paint();
      void this.#read();
    });
    this.#live.addEventListener('click', () => this.#return());
    this.#paint();
  }

  get isPast(): boolean {
    return this.#wanted !== undefined;
  }

  /** The present version, and how far back there is something to see. */
  setVersion(version: number): void {
    if (version === this.#latest) return;
    this.#latest = version;
    this.#scrubber.max = String(version);
    this.#paint();
  }

  setOldest(version: number): void {
    this.#scrubber.min = String(version);
    this.#paint();
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let shown: number | undefined; this.#wanted !== undefined && this.#wanted !== shown; ) {
      shown = this.#wanted;
      try {
        const past = await this.#deps.readAt(shown);
        if (this.isPast) this.#deps.onShow(past);
      } catch (error) {
        this.#return();
        this.#deps.onFail(error);
      }
    }
    this.#isReading = false;
  }

  #return(): void {
    this.#wanted = undefined;
    this.#deps.onShow(undefined);
    this.#paint();
  }

  #paint(): void {
    const version = this.#wanted ?? this.#latest;
    if (!this.isPast) this.#scrubber.value = String(version);
    this.#live.setAttribute('aria-pressed', String(!this.isPast));
    setText(this.#live, this.isPast ? 'Back to now' : 'Live');
    const of = this.isPast ? ` of ${formatCount(this.#latest)}` : '';
    setText(this.#label, `version ${formatCount(version)}${of}`);
    const [low, high] = [Number(this.#scrubber.min), Math.max(1, Number(this.#scrubber.max))];
    const share = high > low ? (version - low) / (high - low) : 0;
    this.#scrubber.style.setProperty('--filled', `${(share * 100).toFixed(2)}%`);
  }
}
