import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/** A password that prints as `[secret]` wherever it is logged, interpolated, inspected or serialised; only `reveal` hands it out. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
