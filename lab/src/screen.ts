/** What the demo prints: numbered steps, tables and verdicts, in colour on a terminal only. */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

// styleText leaves the text alone when standard output is no terminal, or NO_COLOR is set.
const paint = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

export class Screen {
  readonly #started = performance.now();
  #step = 0;

  /** A heading, and in a sentence or two what it is about. */
  step(title: string, ...explanation: readonly string[]): void {
    this.#step += 1;
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    console.log(`\n${paint('bold', `${this.#step}. ${title}`)} ${paint('dim', `(${seconds} s)`)}`);
    for (const line of explanation) console.log(`   ${paint('dim', line)}`);
  }

  line(text: string): void {
    console.log(`   ${text}`);
  }

  /** What was just shown to hold. */
  good(text: string): void {
    console.log(`   ${paint('green', '✓')} ${text}`);
  }

  bad(text: string): void {
    console.log(`   ${paint('red', '✗')} ${text}`);
  }

  /** Rows with the first one as heading; columns are as wide as their widest cell. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = rows.reduce<number[]>(
      (wide, row) => row.map((cell, column) => Math.max(cell.length, wide[column] ?? 0)),
      [],
    );
    for (const [index, row] of rows.entries()) {
      const text = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ');
      console.log(`   ${index === 0 ? paint('underline', text) : text}`);
    }
  }

  seconds(): string {
    return ((performance.now() - this.#started) / 1000).toFixed(1);
  }
}
