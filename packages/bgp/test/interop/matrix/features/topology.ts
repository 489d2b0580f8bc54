/** What depends on who is who: reflection, confederations, roles, and more than one path for a prefix. */
import type { Cell } from '../cell.ts';
import type { Feature } from '../feature.ts';
import type { PeerName } from '../peer.ts';

const prefix = '198.51.100.0/24';

async function twoPathsHere(cell: Cell, to: 'speaker' | 'peer'): Promise<void> {
  await cell.feed(0, 65011, to, prefix);
  await cell.feed(1, 65012, to, prefix);
}

/** How each shows the OTC attribute of a provider's route. */
const onlyToCustomer: { readonly [P in PeerName]: RegExp } = {
  bird: /BGP\.otc: 65001/,
  frr: /"otc":65001/,
  gobgp: /otc/i,
  exabgp: /otc/i,
  openbgpd: /"type": "OTC".*"as": 65001/s,
};

export const topologyFeatures: readonly Feature[] = [
  {
    name: 'add-path to the peer',
    ours: { peer: { addPath: { send: true } } },
    theirs: {
      bird: { ipv4: 'add paths rx;' },
      frr: {},
      gobgp: { ipv4: '[neighbors.afi-safis.add-paths.config]\nreceive = true' },
      exabgp: { router: 'add-path receive;' },
      openbgpd: { neighbor: 'announce add-path recv yes' },
    },
    async drive(cell) {
      cell.acceptFeeders(65011, 65012);
      await twoPathsHere(cell, 'speaker');
      await cell.established();
      await cell.shows(prefix, 'by both paths', (paths) => {
        const asPaths = paths.map(({ asPath }) => asPath).sort();
        return asPaths.join(', ') === '65001 65011, 65001 65012' && paths.some(({ best }) => best);
      });
    },
    wire: [
      { from: 'ours', fields: { 'bgp.cap.type': '69', 'bgp.cap.ap.sendreceive': /[23]/ } },
      { from: 'theirs', fields: { 'bgp.cap.type': '69', 'bgp.cap.ap.sendreceive': /[13]/ } },
      { from: 'ours', fields: { 'bgp.type': '2', 'bgp.nlri_path_id': /[1-9]/, 'bgp.nlri_prefix': '198.51.100.0' } },
    ],
  },
  {
    name: 'add-path from the peer',
    ours: { peer: { addPath: { receive: true } } },
    feedersOfPeer: [65011, 65012],
    theirs: {
      bird: { ipv4: 'add paths tx;' },
      frr: { ipv4: 'addpath-tx-all-paths' },
      gobgp: { ipv4: '[neighbors.afi-safis.add-paths.config]\nsend-max = 8' },
      exabgp: {
        router: 'add-path send;',
        ipv4: [
          `unicast ${prefix} next-hop self path-information 0.0.0.1 as-path [ 65011 ];`,
          `unicast ${prefix} next-hop self path-information 0.0.0.2 as-path [ 65012 ];`,
        ].join(' '),
      },
      openbgpd: { neighbor: 'announce add-path send all' },
    },
    async drive(cell) {
      await cell.established();
      // ExaBGP has no table that a second session could feed.
      if (cell.name !== 'exabgp') {
        await twoPathsHere(cell, 'peer');
        await cell.shows(prefix, 'from both feeders', (paths) => paths.length === 2);
      }
      await cell.knows(prefix, 'by both paths', (paths) => {
        const asPaths = paths.map(({ attributes }) => attributes.asPath?.flatMap(({ asns }) => asns).join(' ')).sort();
        return /^(65002 )?65011,(65002 )?65012$/.test(asPaths.join(','));
      });
    },
    wire: [
      { from: 'ours', fields: { 'bgp.cap.type': '69', 'bgp.cap.ap.sendreceive': /[13]/ } },
      { from: 'theirs', fields: { 'bgp.type': '2', 'bgp.nlri_path_id': /[1-9]/, 'bgp.nlri_prefix': '198.51.100.0' } },
    ],
  },
  {
    name: 'route reflection',
    peerAsn: 65001,
    ours: { speaker: { clusterId: '192.0.2.99' }, peer: { routeReflectorClient: true } },
    theirs: { bird: {}, frr: {}, gobgp: {}, exabgp: {}, openbgpd: {} },
    async drive(cell) {
      cell.acceptFeeders(65001);
      await cell.feed(0, 65001, 'speaker', prefix);
      await cell.established();
      const [originator] = cell.namespace.addresses.feeders;
      await cell.shows(
        prefix,
        `reflected from ${originator}`,
        ([path]) =>
          path?.best === true &&
          path.originatorId === originator &&
          path.clusterList.join() === '192.0.2.99' &&
          path.nextHop === originator,
      );
    },
    wire: [
      {
        from: 'ours',
        fields: {
          'bgp.update.path_attribute.originator_id': /^10\./,
          'bgp.path_attribute.cluster_id': '192.0.2.99',
        },
      },
    ],
  },
  {
    name: 'confederation',
    ours: { speaker: { confederation: { identifier: 65100, members: [65001, 65002] } } },
    theirs: {
      bird: { neighbor: 'confederation 65100; confederation member yes;' },
      frr: { router: 'bgp confederation identifier 65100\nbgp confederation peers 65001' },
      gobgp: {
        router: '[global.confederation.config]\nenabled = true\nidentifier = 65100\nmember-as-list = [65001, 65002]',
      },
      exabgp: { refuses: { neighbor: 'confederation 65100;' }, words: /invalid keyword "confederation"/ },
      openbgpd: { refuses: { router: 'confederation 65100' }, words: /syntax error/ },
    },
    async drive(cell) {
      cell.speaker.announce({
        prefix,
        attributes: { asPath: [{ kind: 'sequence', asns: [65010] }], localPref: 150 },
      });
      await cell.established();
      await cell.shows(
        prefix,
        'from another member',
        ([path]) => path?.best === true && path.asPath === '(65001) 65010' && path.localPreference === 150,
      );
      await cell.knows('203.0.113.0/24', 'from another member', ([path]) => {
        const [segment] = path?.attributes.asPath ?? [];
        return segment?.kind === 'confederation-sequence' && segment.asns.join() === '65002';
      });
    },
    wire: [
      { from: 'ours', fields: { 'bgp.type': '2', 'bgp.update.path_attribute.as_path_segment.type': '3' } },
      { from: 'theirs', fields: { 'bgp.type': '2', 'bgp.update.path_attribute.as_path_segment.type': '3' } },
    ],
  },
  {
    name: 'roles',
    ours: { peer: { role: 'provider' } },
    first: (options) => ({ ...options, role: 'peer' }),
    theirs: {
      bird: { neighbor: 'local role customer;' },
      frr: { neighbor: 'local-role customer' },
      gobgp: { refuses: { neighbor: '[neighbors.role.config]\nlocal = "customer"' }, words: /has invalid keys: role/ },
      exabgp: { refuses: { router: 'role customer;' }, words: /invalid keyword "role"/ },
      openbgpd: { neighbor: 'announce policy customer' },
    },
    async drive(cell) {
      await cell.warns(/role/i);
      await cell.notEstablished();
      cell.speaker.setPeers([cell.peerOptions()]);
      cell.speaker.announce({ prefix });
      await cell.established();
      await cell.shows(prefix, 'from the provider', ([path]) => path?.best === true);
      // Only to customers: ours to set (RFC 9234 §5).
      await cell.says(onlyToCustomer[cell.name], () => cell.implementation.route(cell.running, prefix));
    },
    wire: [
      { from: 'ours', fields: { 'bgp.cap.type': '9', 'bgp.cap.unknown': '00' } },
      { from: 'theirs', fields: { 'bgp.cap.type': '9', 'bgp.cap.unknown': '03' } },
      { from: 'ours', fields: { 'bgp.type': '2', 'bgp.update.path_attribute.type_code': '35' } },
      { from: 'either', fields: { 'bgp.notify.major_error': '2', 'bgp.notify.minor_error_open': '11' } },
    ],
  },
];
