/** The daemons that bgp-table measures: how each is started for a scenario, with equal policy: all in, all out. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '@routelet/lab/programs';
import { feedersOf, type RivalName, type Scenario, sinksOf, speaker, speakerAddress } from './plan.ts';

/** Starts the daemon in the foreground; `folder` is for its files. */
export type StartDaemon = (scenario: Scenario, folder: string) => ChildProcess;

const holdTimeSeconds = 240;

export interface Rival {
  /** Undefined where it is not on this machine. */
  readonly program: () => string | undefined;
  readonly start: StartDaemon;
}

export const rivals: Readonly<Record<RivalName, Rival>> = {
  bird: { program: () => 'bird', start: startBird },
  frr: { program: () => existing('/usr/lib/frr/bgpd'), start: startFrr },
  gobgp: { program: () => existing(programPath('gobgpd')), start: startGobgp },
};

export function startOurs(program: string): StartDaemon {
  return (scenario) => {
    const { asn, routerId, port } = speaker;
    const { family, reflector, cold } = scenario;
    const address = speakerAddress(family);
    const warmUp = cold !== true;
    const setup = { asn, routerId, port, family, reflector, address, peers: peersOf(scenario), warmUp };
    return spawn(process.execPath, [program, JSON.stringify(setup)], { stdio: ['pipe', 'pipe', 'inherit'] });
  };
}

function existing(program: string): string | undefined {
  return existsSync(program) ? program : undefined;
}

function peersOf(scenario: Scenario) {
  return [...feedersOf(scenario), ...sinksOf(scenario)];
}

function startBird(scenario: Scenario, folder: string): ChildProcess {
  const { family, reflector } = scenario;
  const config = join(folder, 'bird.conf');
  const client = reflector === true ? ' rr client;' : '';
  const local = `local ${speakerAddress(family)} port ${speaker.port} as ${speaker.asn}`;
  // Next hops are resolved in a table of their own, so that the connected route is not announced.
  const channel = `${family} { igp table connected; import all; export all; }`;
  const sessions = peersOf(scenario).map(
    ({ address, asn }, index) =>
      `protocol bgp peer${index} { ${local}; neighbor ${address} as ${asn}; multihop; passive; ` +
      `hold time ${holdTimeSeconds};${client} ${channel}; }`,
  );
  const direct = `protocol direct { ${family} { table connected; }; interface "lo"; }`;
  const lines = [`router id ${speaker.routerId};`, `${family} table connected;`, 'protocol device {}', direct];
  writeFileSync(config, [...lines, ...sessions, ''].join('\n'));
  return background('bird', ['-f', '-c', config, '-s', join(folder, 'bird.ctl')]);
}

function startFrr(scenario: Scenario, folder: string): ChildProcess {
  const { family } = scenario;
  const config = join(folder, 'bgpd.conf');
  const peers = peersOf(scenario);
  const lines = [
    `router bgp ${speaker.asn}`,
    ` bgp router-id ${speaker.routerId}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ...peers.flatMap(({ address, asn }) => [
      ` neighbor ${address} remote-as ${asn}`,
      ` neighbor ${address} passive`,
      ` neighbor ${address} disable-connected-check`,
      ` neighbor ${address} timers ${holdTimeSeconds / 3} ${holdTimeSeconds}`,
      ` neighbor ${address} advertisement-interval 0`,
    ]),
    ` address-family ${family} unicast`,
    ...peers.map(({ address }) => `  neighbor ${address} activate`),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const place = ['-f', config, '-i', join(folder, 'bgpd.pid'), '--vty_socket', folder, '-P', '0'];
  const network = ['-n', '-Z', '-S', '-p', String(speaker.port), '-l', speakerAddress(family)];
  return background('/usr/lib/frr/bgpd', [...network, ...place]);
}

function startGobgp(scenario: Scenario, folder: string): ChildProcess {
  const { family } = scenario;
  const config = join(folder, 'gobgpd.toml');
  const neighbour = ({ address, asn }: { address: string; asn: number }): string[] => [
    '[[neighbors]]',
    '  [neighbors.config]',
    `    neighbor-address = "${address}"`,
    `    peer-as = ${asn}`,
    '  [neighbors.transport.config]',
    '    passive-mode = true',
    '  [neighbors.timers.config]',
    `    hold-time = ${holdTimeSeconds}`,
    '  [[neighbors.afi-safis]]',
    '    [neighbors.afi-safis.config]',
    `      afi-safi-name = "${family}-unicast"`,
  ];
  const lines = [
    '[global.config]',
    `  as = ${speaker.asn}`,
    `  router-id = "${speaker.routerId}"`,
    `  port = ${speaker.port}`,
    `  local-address-list = ["${speakerAddress(family)}"]`,
    ...peersOf(scenario).flatMap(neighbour),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const quiet = ['--log-level', 'error', '--pprof-disable', '--api-hosts', '127.0.0.1:50051'];
  return background(programPath('gobgpd'), ['-f', config, '-t', 'toml', ...quiet]);
}

function background(command: string, words: readonly string[]): ChildProcess {
  return spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'] });
}
