/**
 * One table as `iptables-save` prints it: which chains there are and what stands in them. A chain is read into tokens when
 * it is asked for, since most of a node's rules are of other programs. Pure text.
 */
import { jumpTarget, parseTokens, type Rule } from './rule.ts';

export class SavedTable {
  /** Lines by chain, without the `-A CHAIN `. */
  readonly #lines = new Map<string, string[]>();
  readonly #builtIn: string[] = [];

  /** `text`: the output of `iptables-save -t TABLE`, empty for a table that is not there. */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line.startsWith(':')) {
        const [chain = '', policy] = line.slice(1).split(' ');
        this.#lines.set(chain, []);
        // A chain of a program has no policy.
        if (policy !== '-') this.#builtIn.push(chain);
      } else if (line.startsWith('-A ')) {
        const end = line.indexOf(' ', 3);
        const chain = end < 0 ? line.slice(3) : line.slice(3, end);
        this.#lines.get(chain)?.push(end < 0 ? '' : line.slice(end + 1));
      }
    }
  }

  /** Chains that the kernel calls: INPUT, FORWARD, … */
  get builtIn(): readonly string[] {
    return this.#builtIn;
  }

  get chains(): Iterable<string> {
    return this.#lines.keys();
  }

  has(chain: string): boolean {
    return this.#lines.has(chain);
  }

  rules(chain: string): Rule[] {
    return (this.#lines.get(chain) ?? []).map(parseTokens);
  }

  /** Chains with a rule that jumps or goes to `target`. */
  callers(target: string): string[] {
    return [...this.#lines].flatMap(([chain, lines]) =>
      lines.some((line) => line.includes(target) && jumpTarget(parseTokens(line)) === target) ? [chain] : [],
    );
  }
}
