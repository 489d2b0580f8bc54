/**
 * Process: our speaker, waiting for its neighbours to connect. Started with a file that has its setup as JSON; it imports the package
 * alone, so that it runs beside it wherever that is published.
 */
import { readFileSync } from 'node:fs';
import { createSpeaker } from '@routelet/bgp';

export interface SpeakerSetup {
  readonly address: string;
  readonly port: number;
  readonly asn: number;
  readonly holdTimeMs: number;
  /** A route reflector client; the neighbours are none. */
  readonly client: string;
  readonly neighbours: readonly string[];
}

const setup: SpeakerSetup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const { address, port, asn, holdTimeMs, client, neighbours } = setup;
const speaker = createSpeaker({ asn, routerId: address, listen: [{ address, port }] });
speaker.on('warning', ({ text }) => console.error(text));
const common = { asn, passive: true, holdTimeMs };
speaker.addPeer({ ...common, address: client, routeReflectorClient: true });
for (const neighbour of neighbours) speaker.addPeer({ ...common, address: neighbour });
await speaker.start();
