#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { askableRouter } from './ask/router.ts';
import { isAnswered } from './ask/server.ts';
import { cleanUp } from './cleanup/cleanup.ts';
import { Daemon } from './daemon.ts';
import { createLog, type Log } from './log.ts';
import { resolveNodeName } from './node-name.ts';
import { helpText } from './options/command-line.ts';
import type { AgentOptions } from './options/options.ts';
import { parseOptions } from './options/parse.ts';
import { describeProblem } from './options/problem.ts';
import { parseWithFlags } from './options/with-flags.ts';
import { firewall } from './policy/firewall.ts';
import { serviceProxy } from './proxy/service-proxy.ts';

/**
 * The process: command line, signals, exit code. Nothing else in the agent ends the process. A fault that nobody handled
 * ends it with code 1, to be started anew with a clean state; the kernel keeps forwarding meanwhile.
 */

/** Nothing is wrong. */
const EXIT_OK = 0;
/** It could not start, or had to give up. */
const EXIT_FAILED = 1;
/** The command line is wrong. */
const EXIT_USAGE = 2;

/** The time that modules have to stop: less than a pod's 30 s of grace. */
const STOP_TIMEOUT_MS = 20_000;

async function main(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const argv = process.argv.slice(2);
  const readText = (path: string) => readFileSync(path, 'utf8');
  const parsed = parseOptions(argv, readText);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(helpText());
      return;
    case 'version':
      process.stdout.write(`routelet-agent ${version}, Node ${process.version}\n`);
      return;
    case 'bad':
      for (const problem of parsed.problems) process.stderr.write(`routelet-agent: ${describeProblem(problem)}\n`);
      process.exitCode = EXIT_USAGE;
      return;
    case 'run':
      break;
  }
  const { options, unbuilt } = parsed;
  const log = createLog({ verbosity: options.verbosity, format: options.logFormat, stream: process.stderr });
  exitOnFaults(log);
  if (process.geteuid?.() !== 0) {
    log.error('not root: expected effective user id 0, to program the kernel');
    process.exitCode = EXIT_FAILED;
    return;
  }
  if (options.cleanupConfig) {
    process.exitCode = await cleanNode(options);
    return;
  }
  const parseFlags = (flags: readonly string[]) => parseWithFlags(argv, flags, readText);
  // The firewall first: its rules stand before the router has the first pod attached.
  const modules = [
    ...(options.runFirewall ? [firewall] : []),
    ...(options.runRouter ? [askableRouter(parseFlags)] : []),
    ...(options.runServiceProxy ? [serviceProxy(options)] : []),
  ];
  if (modules.length === 0) {
    log.info('nothing to run: router, firewall and service proxy are all off');
    return;
  }
  const nodeName = resolveNodeName(options, process.env, hostname());
  log.info('starting', { version, node: process.version, nodeName });
  for (const { part, flag } of unbuilt) log.warn(`${part} is not built yet and stays off`, { flag: `--${flag}` });

  const daemon = new Daemon({ options, nodeName, version, log, env: process.env, modules });
  stopOnSignals(daemon, log);
  try {
    await daemon.start();
  } catch (error) {
    log.error('cannot start', { error });
    process.exit(EXIT_FAILED);
  }
  log.info('started', { rssMb: Math.round(process.memoryUsage.rss() / 1e6) });
}

/** Prints what it does; the log is for those who run the agent. */
async function cleanNode(options: AgentOptions): Promise<number> {
  const socket = process.env['ROUTELET_SOCKET'] || options.askSocket;
  if (socket !== '' && (await isAnswered(socket))) {
    process.stderr.write(`routelet-agent: an agent runs on this node and answers on ${socket}: stop it first\n`);
    return EXIT_FAILED;
  }
  const { removed, failed } = await cleanUp(options, process.env, (line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${removed} removed, ${failed} failed\n`);
  return failed === 0 ? EXIT_OK : EXIT_FAILED;
}

function stopOnSignals(daemon: Daemon, log: Log): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn('second signal, ending at once', { signal });
      process.exit(EXIT_FAILED);
    }
    stopping = true;
    log.info('stopping; routes and rules stay in the kernel', { signal });
    const timer = setTimeout(() => {
      log.error(`not stopped within ${STOP_TIMEOUT_MS / 1000} s`);
      process.exit(EXIT_FAILED);
    }, STOP_TIMEOUT_MS);
    await daemon.stop();
    clearTimeout(timer);
    log.info('stopped');
    process.exit(EXIT_OK);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function exitOnFaults(log: Log): void {
  const fault = (kind: string) => (error: unknown) => {
    const stack = error instanceof Error ? error.stack : String(error);
    log.error(`${kind}: this is a bug of routelet`, { error, stack });
    process.exit(EXIT_FAILED);
  };
  process.on('uncaughtException', fault('uncaught exception'));
  process.on('unhandledRejection', fault('unhandled rejection'));
}

await main();
