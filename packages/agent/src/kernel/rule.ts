/**
 * One iptables rule as a list of tokens, in the order in which `iptables -S` prints it (interfaces and addresses, matches,
 * target), so that a wanted rule and one that stands in the kernel are equal when their tokens are. Pure text.
 */

/** What follows `-A CHAIN`: `['-i', 'kube-bridge', '-m', 'comment', '--comment', 'some words', '-j', 'ACCEPT']`. */
export type Rule = readonly string[];

/** Splits a line of `iptables -S` as the shell would: double quotes group, a backslash takes the next character. */
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

/** The rules of one chain from the output of `iptables -S CHAIN`; policy and counters are no rules. */
export function parseRules(output: string, chain: string): Rule[] {
  const rules: Rule[] = [];
  for (const line of output.split('\n')) {
    const [command, name, ...rule] = parseTokens(line);
    if (command === '-A' && name === chain) rules.push(rule);
  }
  return rules;
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
