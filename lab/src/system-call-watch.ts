/**
 * Reads from a strace of a process, and of all it starts, what it asked to be changed: netlink requests that make or
 * delete something, commands that do, and kernel settings opened for writing. Shares no code with what it watches.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** Words before a command: it keeps its own pid, the tracer is a detached grandchild (strace -D). */
export function straceInto(file: string): readonly string[] {
  return [
    ...['strace', '-D', '-f', '-qq', '--seccomp-bpf', '-s', '65536', '-o', file],
    ...['-e', 'trace=sendto,sendmsg,sendmmsg,execve,openat', '-e', 'signal=none'],
  ];
}

/** Says of a command's arguments whether they only read. A command that is not listed counts as one that changes. */
const onlyReads: Readonly<Record<string, (words: readonly string[]) => boolean>> = {
  iptables: readsTables,
  ip6tables: readsTables,
  'iptables-save': () => true,
  'ip6tables-save': () => true,
  ipset: (words) => words.some((word) => ['list', 'save', 'test', 'version', '-L', '-S', '-T', '-v'].includes(word)),
  ip: (words) =>
    !words.some((word) => ['add', 'del', 'delete', 'set', 'replace', 'change', 'append', 'flush'].includes(word)),
  sysctl: (words) => !words.some((word) => word === '-w' || word.includes('=')),
  nft: (words) => words.includes('list'),
};

function readsTables(words: readonly string[]): boolean {
  const verbs = ['-C', '--check', '-L', '--list', '-S', '--list-rules', '-V', '--version', '-h', '--help'];
  return words.some((word) => verbs.includes(word));
}

function changingCommand(line: string): string | undefined {
  const match = /execve\("([^"]+)", \[(.*?)\]/.exec(line);
  if (match === null || line.includes(' = -1 ')) return undefined;
  const [, path = '', list = ''] = match;
  const words = [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
  // iptables-nft and iptables-legacy are iptables with one backend or the other.
  const command = basename(words[0] ?? path).replace(/^(ip6?tables)-(?:nft|legacy)/, '$1');
  return onlyReads[command]?.(words.slice(1)) === true ? undefined : words.join(' ');
}

/** Of rtnetlink, ipset and connection tracking, as strace names them. */
const changingMessage =
  /\b(?:RTM_(?:NEW|DEL)\w+|IPSET_CMD_(?:CREATE|DESTROY|FLUSH|RENAME|SWAP|ADD|DEL)|IPCTNL_MSG_CT_(?:NEW|DELETE))\b/g;

/** The changes one line of strace output tells of. */
export function changesInLine(line: string): string[] {
  const requests = /\b(?:sendto|sendmsg|sendmmsg)\(/.test(line) ? line.match(changingMessage) : null;
  if (requests !== null) return [...requests];
  if (line.includes('execve(')) return [changingCommand(line)].filter((command) => command !== undefined);
  const setting = /openat\([^"]*"(\/proc\/sys\/[^"]+)", [^)]*O_(?:WRONLY|RDWR)/.exec(line)?.[1];
  return setting === undefined ? [] : [`write to ${setting}`];
}

/** All changes asked for by a traced process. Its own start (the first execve) is not one. */
export async function changesInTrace(file: string): Promise<readonly string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const start = lines.findIndex((line) => line.includes('execve('));
  if (start < 0) throw new Error(`${file} has no line of a traced start: did strace run?`);
  return lines.slice(start + 1).flatMap(changesInLine);
}
