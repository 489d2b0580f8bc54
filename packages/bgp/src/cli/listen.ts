/** `bgp listen`: a collector. It takes all routes of the peers it is given, announces nothing, and prints every change. */

import { parseAddress, parseIpv4 } from '../address.ts';
import { plainAsPath } from '../attribute/as-path.ts';
import { plainAttributes } from '../attribute/plain.ts';
import type { PolicyChain } from '../policy/model.ts';
import type { BestPathChange, PeerOptions, SpeakerEvents } from '../speaker/api.ts';
import { createSpeaker } from '../speaker/create-speaker.ts';
import { type Command, numberFrom, parseCommandLine } from './command.ts';
import { exitCode, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const help = `bgp listen --asn ASN --router-id ADDRESS --peer ADDRESS=ASN [options]

Waits for BGP sessions, prints the best path to each prefix as it changes, announces nothing. Ends at SIGINT or SIGTERM.

  --asn ASN               our AS number
  --router-id ADDRESS     our BGP Identifier
  --peer ADDRESS=ASN      a peer that may connect; may be repeated
  --listen ADDRESS        where to listen (0.0.0.0); may be repeated
  --port PORT             the port to listen on (179, which needs root)
  --json                  one JSON object a change`;

const everything: PolicyChain = { name: 'collect', statements: [], defaultVerdict: 'accept' };
const nothing: PolicyChain = { name: 'announce nothing', statements: [], defaultVerdict: 'reject' };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = parseCommandLine(
    args,
    {
      asn: { type: 'string' },
      'router-id': { type: 'string' },
      peer: { type: 'string', multiple: true, default: [] },
      listen: { type: 'string', multiple: true, default: ['0.0.0.0'] },
      port: { type: 'string', default: '179' },
      json: { type: 'boolean', default: false },
    },
    0,
  );
  const asn = numberFrom('--asn', needed('--asn', values.asn), 1, 0xffff_ffff);
  const routerId = needed('--router-id', values['router-id']);
  if (!accepts(() => parseIpv4(routerId)) || parseIpv4(routerId) === 0) {
    throw new UsageError(`--router-id ${JSON.stringify(routerId)}: expected an IPv4 address other than 0.0.0.0`);
  }
  needed('--peer', values.peer[0]);
  const peers = values.peer.map(peerFrom);
  const port = numberFrom('--port', values.port, 0, 65535);
  const listen = values.listen.map((address) => ({ address: addressFrom('--listen', address), port }));
  const speaker = createSpeaker({ asn, routerId, listen, importPolicy: everything, exportPolicy: nothing });
  const queue = (line: string): void => void terminal.print(line);
  const onState = ({ address, to, reason }: SpeakerEvents['peer-state'][0]): void => {
    if (to !== 'Established' && to !== 'Idle') return;
    const why = reason === undefined ? {} : { reason };
    queue(values.json ? JSON.stringify({ kind: 'peer', peer: address, state: to, ...why }) : `* ${address} ${to}`);
  };
  speaker.on('peer-state', onState);
  speaker.on('warning', ({ text }) => terminal.complain(text));
  speaker.setPeers(peers);
  try {
    await speaker.start();
  } catch (error) {
    terminal.complain(error instanceof Error ? error.message : String(error));
    return exitCode.failed;
  }
  for await (const changes of speaker.bestPathChanges({ signal: terminal.signal })) {
    for (const change of changes) await terminal.print(values.json ? jsonOf(change) : lineOf(change));
  }
  speaker.off('peer-state', onState);
  await speaker.stop();
  return exitCode.ok;
}

function jsonOf(change: BestPathChange): string {
  if (change.kind === 'withdrawn') return JSON.stringify(change);
  const { prefix, nextHop, from, attributes, stale } = change.path;
  return JSON.stringify({ kind: change.kind, prefix, nextHop, from, stale, attributes: plainAttributes(attributes) });
}

/** "+ 10.0.0.0/8 via 192.0.2.1 from 192.0.2.1 path 65001 65002" or "- 10.0.0.0/8". */
function lineOf(change: BestPathChange): string {
  if (change.kind === 'withdrawn') return `- ${change.prefix}`;
  const { prefix, nextHop, from, attributes } = change.path;
  const path = plainAsPath(attributes.asPath ?? []).join(' ');
  return `+ ${prefix} via ${nextHop} from ${from}${path === '' ? '' : ` path ${path}`}`;
}

function needed(option: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`${option} is missing`);
  return value;
}

function peerFrom(text: string): PeerOptions {
  const match = /^(.+)=([^=]+)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new UsageError(`--peer ${JSON.stringify(text)}: expected ADDRESS=ASN, such as 192.0.2.1=65001`);
  }
  return {
    address: addressFrom('--peer', match[1]),
    asn: numberFrom('--peer', match[2], 1, 0xffff_ffff),
    passive: true,
    families: ['ipv4-unicast', 'ipv6-unicast'],
  };
}

function addressFrom(option: string, text: string): string {
  if (!accepts(() => parseAddress(text))) {
    throw new UsageError(`${option} ${JSON.stringify(text)}: expected an IPv4 or IPv6 address`);
  }
  return text;
}

function accepts(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

export const listenCommand: Command = {
  name: 'listen',
  summary: 'a collector: prints what peers announce and withdraw',
  help,
  run,
};
