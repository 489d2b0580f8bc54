/** The written form of AS path patterns as a tree; what it means is in `as-path-pattern.ts`. */

export type PatternNode =
  /** One AS number inside of the ranges, or outside of all. */
  | { readonly kind: 'one'; readonly ranges: readonly (readonly [number, number])[]; readonly negated: boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'either'; readonly parts: readonly PatternNode[] }
  /** `most` left out: without end. */
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly least: number; readonly most?: number };

/** A pattern that cannot be read; `at` counts characters from 0. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  readonly at: number;

  constructor(text: string, at: number, wanted: string) {
    super(`${JSON.stringify(text)} at character ${at + 1}: expected ${wanted}`);
    this.at = at;
  }
}

const maximumAsn = 0xffff_ffff;
/** Of `{n,m}`: each repetition is states of the automaton. */
const maximumRepeat = 64;
const maximumSize = 4_096;

const anyAsn: PatternNode = { kind: 'one', ranges: [[0, maximumAsn]], negated: false };
const anything: PatternNode = { kind: 'repeat', part: anyAsn, least: 0 };

/** Throws `PatternError`. Open ends are in the tree as "anything". */
export function parseAsPathPattern(text: string): PatternNode {
  return new PatternParser(text).pattern();
}

class PatternParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  pattern(): PatternNode {
    const fromStart = this.#take('^');
    const body = this.#either();
    const toEnd = this.#take('$');
    this.#spaces();
    if (this.#at < this.#text.length) throw this.#error(toEnd ? 'nothing behind $' : 'an AS number, ".", "[" or "("');
    const root: PatternNode = {
      kind: 'sequence',
      parts: [...(fromStart ? [] : [anything]), body, ...(toEnd ? [] : [anything])],
    };
    if (sizeOf(root) > maximumSize) throw new PatternError(this.#text, 0, `at most ${maximumSize} steps in all`);
    return root;
  }

  #either(): PatternNode {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'either', parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (let atom = this.#atom(); atom !== undefined; atom = this.#atom()) parts.push(this.#repeated(atom));
    return { kind: 'sequence', parts };
  }

  #atom(): PatternNode | undefined {
    if (this.#take('.')) return anyAsn;
    if (this.#take('(')) {
      const inner = this.#either();
      if (!this.#take(')')) throw this.#error('")"');
      return inner;
    }
    if (this.#take('[')) return this.#class();
    const range = this.#range();
    return range === undefined ? undefined : { kind: 'one', ranges: [range], negated: false };
  }

  #class(): PatternNode {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    for (let range = this.#range(); range !== undefined; range = this.#range()) ranges.push(range);
    if (ranges.length === 0) throw this.#error('an AS number');
    if (!this.#take(']')) throw this.#error('an AS number or "]"');
    return { kind: 'one', ranges, negated };
  }

  #repeated(part: PatternNode): PatternNode {
    if (this.#take('*')) return { kind: 'repeat', part, least: 0 };
    if (this.#take('+')) return { kind: 'repeat', part, least: 1 };
    if (this.#take('?')) return { kind: 'repeat', part, least: 0, most: 1 };
    if (!this.#take('{')) return part;
    const least = this.#number(maximumRepeat);
    if (least === undefined) throw this.#error('a number of repetitions');
    let most: number | undefined = least;
    if (this.#take(',')) most = this.#number(maximumRepeat);
    if (most !== undefined && most < least) throw this.#error(`a number from ${least} on`);
    if (!this.#take('}')) throw this.#error('"}"');
    return most === undefined ? { kind: 'repeat', part, least } : { kind: 'repeat', part, least, most };
  }

  #range(): readonly [number, number] | undefined {
    const low = this.#number(maximumAsn);
    if (low === undefined) return undefined;
    if (!this.#take('-')) return [low, low];
    const high = this.#number(maximumAsn);
    if (high === undefined || high < low) throw this.#error(`an AS number from ${low} on`);
    return [low, high];
  }

  #number(most: number): number | undefined {
    this.#spaces();
    const [digits] = /^\d+/.exec(this.#text.slice(this.#at, this.#at + 12)) ?? [];
    if (digits === undefined) return undefined;
    if (Number(digits) > most) throw this.#error(`a number up to ${most}`);
    this.#at += digits.length;
    return Number(digits);
  }

  #take(character: string): boolean {
    this.#spaces();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #spaces(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1;
  }

  #error(wanted: string): PatternError {
    return new PatternError(this.#text, this.#at, wanted);
  }
}

function sizeOf(node: PatternNode): number {
  switch (node.kind) {
    case 'one':
      return 1;
    case 'repeat':
      return sizeOf(node.part) * Math.max(1, node.most ?? node.least + 1);
    default:
      return node.parts.reduce((sum, part) => sum + sizeOf(part), 0);
  }
}
