import { readFile } from 'node:fs/promises';
import t from 'tap';
import {
  birdConfig,
  createLab,
  frrConfig,
  gobgpConfig,
  type LabNode,
  startBird,
  startFrr,
  startGobgpd,
  type Tor,
  type TorConfig,
  waitFor,
} from '../../src/index.ts';

// Bounded by its conditions and by the runner, not by tap's own 30 s.
t.setTimeout(0);

const lab = await createLab();
const password = 'a-password';

function config(host: number, as: number, neighbors: TorConfig['neighbors']): TorConfig {
  return {
    routerId: `192.0.2.${host}`,
    as,
    neighbors,
    announces: [`198.51.${host}.0/24`, `2001:db8:${host}::/48`],
    nextHop4: `192.0.2.${host}`,
    nextHop6: `fd00::${host}`,
  };
}

async function node(name: string, host: number): Promise<LabNode> {
  return lab.node({ name, ipv4: `192.0.2.${host}/24`, ipv6: `fd00::${host}/64` });
}

const tors: readonly [string, number, (node: LabNode, config: TorConfig) => Promise<Tor>][] = [
  ['bird', 21, startBird],
  ['frr', 22, startFrr],
  ['gobgp', 23, startGobgpd],
];

// BIRD plays the node: the peer of each top-of-rack router, with the same password.
const peer = await startBird(
  await node('peer', 11),
  config(
    11,
    64500,
    tors.map(([, host]) => ({ address: `192.0.2.${host}`, as: 64600 + host, password })),
  ),
);

for (const [name, host, start] of tors) {
  t.test(`${name}: session with MD5, both families, next hop and AS path`, async (t) => {
    const tor = await start(
      await node(name, host),
      config(host, 64600 + host, [{ address: '192.0.2.11', as: 64500, password }]),
    );
    await waitFor(`${tor.kind} Established`, async (seen) => {
      const state = await tor.sessionState('192.0.2.11');
      seen(`${state}\n${tor.process.tail()}`);
      return state === 'established';
    });
    const routes = await waitFor(`routes in ${tor.kind}`, async (seen) => {
      const found = await tor.routes();
      seen(found);
      return found.length >= 2 && found;
    });
    t.same(routes, [
      { prefix: '198.51.11.0/24', nextHop: '192.0.2.11', asPath: [64500] },
      { prefix: '2001:db8:11::/48', nextHop: 'fd00::11', asPath: [64500] },
    ]);
    await waitFor(`routes of ${tor.kind} in BIRD`, async (seen) => {
      const learned = (await peer.routes()).filter(({ asPath }) => asPath[0] === 64600 + host);
      seen(learned);
      return (
        learned.length === 2 && learned.every(({ nextHop }) => [`192.0.2.${host}`, `fd00::${host}`].includes(nextHop))
      );
    });
    t.equal(await tor.sessionState('192.0.2.99'), 'unknown', 'a neighbor that is not configured');
  });
}

t.test('the examples are what the lab runs', async (t) => {
  const neighbors = [
    { address: '192.0.2.11', as: 64512, password: 'change-me' },
    { address: '192.0.2.12', as: 64512, password: 'change-me' },
    { address: '192.0.2.13', as: 64512, password: 'change-me' },
  ];
  const example: TorConfig = {
    routerId: '192.0.2.1',
    as: 64600,
    neighbors,
    announces: ['198.51.100.0/24', '2001:db8:100::/48'],
    nextHop4: '192.0.2.1',
    nextHop6: '2001:db8::1',
  };
  const files = {
    'bird.conf': birdConfig(example),
    'frr.conf': frrConfig(example),
    'gobgpd.toml': gobgpConfig(example),
  };
  for (const [file, wanted] of Object.entries(files)) {
    const text = await readFile(new URL(`../../../examples/tor/${file}`, import.meta.url), 'utf8');
    const settings = text.split('\n').filter((line) => !line.startsWith('#'));
    t.equal(settings.join('\n'), wanted, file);
  }
});
