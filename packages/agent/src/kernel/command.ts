/**
 * Starts a program of the system (iptables, modprobe) and collects what it says. Never through a shell, always
 * with a deadline; a failure is one typed error that carries the program's own words. What to run is decided elsewhere.
 */
import { spawn } from 'node:child_process';

export type CommandErrorCode = 'ENOENT' | 'ETIMEDOUT' | 'EEXIT' | 'ESPAWN';

/** A program that is missing (`ENOENT`), hung (`ETIMEDOUT`), could not be started (`ESPAWN`) or answered with a failure (`EEXIT`). */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: CommandErrorCode;
  readonly command: string;
  readonly args: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(code: CommandErrorCode, command: string, args: readonly string[], detail: string, exitCode?: number) {
    const words: Record<CommandErrorCode, string> = {
      ENOENT: 'not found in PATH',
      ETIMEDOUT: 'no answer in time, ended',
      EEXIT: `exit code ${exitCode}`,
      ESPAWN: 'could not be started',
    };
    super([`${[command, ...args].join(' ')}: ${words[code]}`, detail.trim()].filter(Boolean).join(': '));
    this.code = code;
    this.command = command;
    this.args = args;
    this.exitCode = exitCode;
    this.stderr = detail;
  }
}

export interface CommandOptions {
  /** Text for the program's standard input; closed at once when left out. */
  readonly input?: string;
  /** 15,000 when left out. */
  readonly timeoutMs?: number;
}

/** Runs one program; resolves with its standard output. Rejects with a CommandError. */
export type Command = (command: string, args: readonly string[], options?: CommandOptions) => Promise<string>;

const DEFAULT_TIMEOUT_MS = 15_000;

export const runCommand: Command = (command, args, { input, timeoutMs = DEFAULT_TIMEOUT_MS } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new CommandError(error.code === 'ENOENT' ? 'ENOENT' : 'ESPAWN', command, args, error.message));
    });
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      const said = Buffer.concat(stderr).toString();
      if (timedOut) reject(new CommandError('ETIMEDOUT', command, args, said));
      else if (exitCode === 0) resolve(Buffer.concat(stdout).toString());
      else reject(new CommandError('EEXIT', command, args, said, exitCode ?? undefined));
    });
    // A program that ends without reading its input closes the pipe (EPIPE); its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
