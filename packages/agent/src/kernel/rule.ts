/**
 * One iptables rule as a list of tokens, in the order in which `iptables-save` prints it (interfaces and addresses, matches,
 * target), so that a wanted rule and one that stands in the kernel are equal when their tokens are. Pure text.
 */

/** What follows `-A CHAIN`: `['-i', 'kube-bridge', '-m', 'comment', '--comment', 'some words', '-j', 'ACCEPT']`. */
export type Rule = readonly string[];

/** Splits a line of `iptables-save` as the shell would: double quotes group, a backslash takes the next character. */
export function parseTokens(line: string): string[] {
  const tokens: string[] = [];
  let token: string | undefined;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (char === '"') {
      quoted = !quoted;
      token ??= '';
    } else if (char === '\\' && i + 1 < line.length) {
      i++;
      token = (token ?? '') + line.charAt(i);
    } else if (char === ' ' && !quoted) {
      if (token !== undefined) tokens.push(token);
      token = undefined;
    } else {
      token = (token ?? '') + char;
    }
  }
  if (token !== undefined) tokens.push(token);
  return tokens;
}

/** The text of the rule's comment, if it has one. */
export function commentOf(rule: Rule): string | undefined {
  const at = rule.indexOf('--comment');
  return at < 0 ? undefined : rule[at + 1];
}

/** Chain or target that the rule hands a packet to. */
export function jumpTarget(rule: Rule): string | undefined {
  const at = rule.findIndex((token) => token === '-j' || token === '-g');
  return at < 0 ? undefined : rule[at + 1];
}

/** The rule as a line of iptables-restore's input holds it. */
export function formatRule(rule: Rule): string {
  return rule.map((token) => (/^[\w!:./,@+=%-]+$/.test(token) ? token : quote(token))).join(' ');
}

function quote(token: string): string {
  return `"${token.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

export function equalRules(a: Rule, b: Rule): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}
