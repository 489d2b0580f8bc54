/** Headers, OPEN, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH: what RFC 4271 §6 and its successors say, on bytes written by hand. */

import t from 'tap';
import { BgpError } from '../../../src/errors.ts';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import { ceaseSubcode, describeNotification, errorCode, nameOf, openSubcode } from '../../../src/iana.ts';
import { decodeHeader } from '../../../src/message/header.ts';
import { encodeKeepalive } from '../../../src/message/keepalive.ts';
import { decodeMessage, encodeMessage } from '../../../src/message/message.ts';
import type { OpenMessage } from '../../../src/message/model.ts';
import { negotiate, validateOpen } from '../../../src/message/negotiation.ts';
import { encodeNotification, encodeShutdownText, shutdownText } from '../../../src/message/notification.ts';
import { decodeOpen, encodeOpen } from '../../../src/message/open.ts';
import { bytesOf, hexOf, messageHex, refusal } from './hex.ts';

const marker = 'ff'.repeat(16);

const byte = (value: number): string => value.toString(16).padStart(2, '0');

t.test('RFC 4271 §6.1: header errors and their data', async (t) => {
  const cases: [title: string, hex: string, extended: boolean, subcode: number, data: string][] = [
    ['marker', `fe${'ff'.repeat(15)}001304`, false, 1, ''],
    ['short', `${marker}001204`, false, 2, '0012'],
    ['long', `${marker}100102`, false, 2, '1001'],
    ['OPEN under 29', `${marker}001c01`, false, 2, '001c'],
    ['UPDATE under 23', `${marker}001602`, false, 2, '0016'],
    ['NOTIFICATION under 21', `${marker}001403`, false, 2, '0014'],
    ['KEEPALIVE over 19', `${marker}001404`, false, 2, '0014'],
    ['ROUTE-REFRESH under 23', `${marker}001605`, false, 2, '0016'],
    ['type 0', `${marker}001300`, false, 3, '00'],
    ['type 6', `${marker}001306`, false, 3, '06'],
    // RFC 8654 §4: OPEN and KEEPALIVE stay small.
    ['extended OPEN', `${marker}100101`, true, 2, '1001'],
    ['extended KEEPALIVE', `${marker}100104`, true, 2, '1001'],
  ];
  for (const [title, hex, extended, subcode, data] of cases) {
    const answer = refusal(() => decodeHeader(bytesOf(hex), 0, extended));
    t.strictSame(answer && { ...answer, data: hexOf(answer.data) }, { code: 1, subcode, data }, title);
  }
  t.strictSame(decodeHeader(bytesOf(`00${marker}100102`), 1, true), { length: 4097, type: 2 });
  t.strictSame(decodeHeader(bytesOf(`${marker}ffff02`), 0, true), { length: 65535, type: 2 });
  t.strictSame(decodeHeader(bytesOf(`${marker}100003`), 0, false), { length: 4096, type: 3 });
});

const capabilities: [title: string, hex: string, capability: OpenMessage['capabilities'][number]][] = [
  ['RFC 4760', '010400020001', { kind: 'multiprotocol', family: ipv6Unicast.key }],
  ['RFC 2918', '0200', { kind: 'route-refresh' }],
  [
    'RFC 8950',
    '0506000100010002',
    { kind: 'extended-next-hop', entries: [{ family: ipv4Unicast.key, nextHopAfi: 2 }] },
  ],
  ['RFC 8654', '0600', { kind: 'extended-message' }],
  [
    'RFC 4724, RFC 8538',
    '4006c07800010180',
    {
      kind: 'graceful-restart',
      restarting: true,
      notification: true,
      restartTimeSeconds: 120,
      families: [{ family: ipv4Unicast.key, forwardingPreserved: true }],
    },
  ],
  ['RFC 6793', '4104fa56ea01', { kind: 'four-octet-as', asn: 4200000001 }],
  [
    'RFC 7911',
    '450400010103',
    { kind: 'add-path', families: [{ family: ipv4Unicast.key, receive: true, send: true }] },
  ],
  ['RFC 7313', '4600', { kind: 'enhanced-route-refresh' }],
  ['FQDN', '4906036162630164', { kind: 'fqdn', hostname: 'abc', domain: 'd' }],
  ['software version', '4b0403616263', { kind: 'software-version', version: 'abc' }],
  ['no descriptor', 'f002abcd', { kind: 'unknown', code: 0xf0, value: bytesOf('abcd') }],
];

t.test('capabilities, both ways', async (t) => {
  for (const [title, hex, capability] of capabilities) {
    const size = hex.length / 2;
    const whole = messageHex(1, `04fde800b4c0000201${byte(size + 2)}02${byte(size)}${hex}`);
    const message = decodeMessage(bytesOf(whole));
    t.strictSame(message.kind === 'open' && message.capabilities, [capability], title);
    t.equal(hexOf(encodeMessage(message)), whole, title);
  }
});

t.test('RFC 4271 §6.2: a recognised but malformed capability is Unspecific', async (t) => {
  const malformed = [
    ['multiprotocol', '0103000200'],
    ['multiprotocol', '01050002000100'],
    ['route refresh', '020100'],
    ['extended next hop', '05050001000100'],
    ['extended message', '060100'],
    ['graceful restart', '400178'],
    ['graceful restart', '40050078000101'],
    ['four-octet AS', '4103fa56ea'],
    ['four-octet AS', '41050000fde800'],
    ['add-path', '4503000101'],
    ['enhanced route refresh', '460100'],
    ['FQDN', '4903036162'],
    ['software version', '4b020361'],
    ['longer than the parameter', '0204'],
  ] as const;
  for (const [title, hex] of malformed) {
    const parameter = `02${byte(hex.length / 2)}${hex}`;
    const answer = refusal(() => decodeOpen(bytesOf(`04fde800b4c0000201${byte(parameter.length / 2)}${parameter}`)));
    t.strictSame(answer && [answer.code, answer.subcode], [2, 0], `${title} ${hex}`);
  }
});

t.test('RFC 9072: extended optional parameters', async (t) => {
  const open: OpenMessage = {
    kind: 'open',
    version: 4,
    myAs: 65000,
    holdTimeSeconds: 90,
    identifier: 0xc0000201,
    capabilities: [
      { kind: 'unknown', code: 240, value: new Uint8Array(200).fill(1) },
      { kind: 'unknown', code: 241, value: new Uint8Array(200).fill(2) },
    ],
  };
  const bytes = encodeOpen(open);
  t.equal(hexOf(bytes.subarray(28, 35)), 'ffff0197020194', 'non-extended length 255, type 255, lengths of two octets');
  t.strictSame(decodeMessage(bytes), open);
  t.match(
    refusal(() => decodeOpen(bytesOf('04fde800b4c000020100ff0000'))),
    { code: 2, subcode: 0 },
    'length 0 is no extended form',
  );
  t.match(
    refusal(() => decodeOpen(bytesOf('04fde800b4c0000201040200ff00'))),
    { code: 2, subcode: 4 },
    'type 255, not first',
  );
  // "Non-Ext OP Len" may be any value but 0.
  t.match(decodeOpen(bytesOf('04fde800b4c000020101ff00050200020200')), {
    capabilities: [{ kind: 'route-refresh' }],
  });
});

t.test('RFC 4271 §6.2: OPEN errors', async (t) => {
  t.match(
    refusal(() => decodeOpen(bytesOf('03fde800b4c000020100'))),
    { code: 2, subcode: 1, data: bytesOf('0004') },
  );
  const good: OpenMessage = {
    kind: 'open',
    version: 4,
    myAs: 65001,
    holdTimeSeconds: 90,
    identifier: 0x0a000001,
    capabilities: [],
  };
  const expected = { localAsn: 65000, localIdentifier: 0x0a000002, peerAsn: 65001 };
  const wide = { kind: 'four-octet-as', asn: 4200000001 } as const;
  const cases: [
    title: string,
    open: OpenMessage,
    expectations: Parameters<typeof validateOpen>[1],
    subcode: number | undefined,
  ][] = [
    ['all right', good, expected, undefined],
    ['four octets', { ...good, myAs: 23456, capabilities: [wide] }, { ...expected, peerAsn: 4200000001 }, undefined],
    ['any AS', good, { localAsn: 65000, localIdentifier: 1 }, undefined],
    ['hold time 0', { ...good, holdTimeSeconds: 0 }, expected, undefined],
    ['other AS', { ...good, myAs: 65002 }, expected, openSubcode.badPeerAs],
    ['RFC 7607', { ...good, myAs: 0 }, { localAsn: 65000, localIdentifier: 1 }, openSubcode.badPeerAs],
    [
      'RFC 7607 in four octets',
      { ...good, capabilities: [{ ...wide, asn: 0 }] },
      { localAsn: 1, localIdentifier: 1 },
      openSubcode.badPeerAs,
    ],
    ['identifier 0', { ...good, identifier: 0 }, expected, openSubcode.badBgpIdentifier],
    [
      'RFC 6286: ours, in our AS',
      { ...good, identifier: 5 },
      { localAsn: 65001, localIdentifier: 5 },
      openSubcode.badBgpIdentifier,
    ],
    ['RFC 6286: ours, in another AS', { ...good, identifier: 5 }, { localAsn: 65000, localIdentifier: 5 }, undefined],
    ['hold time 1', { ...good, holdTimeSeconds: 1 }, expected, openSubcode.unacceptableHoldTime],
    ['hold time 2', { ...good, holdTimeSeconds: 2 }, expected, openSubcode.unacceptableHoldTime],
    [
      'parameter 1',
      { ...good, otherParameters: [{ type: 1, value: bytesOf('00') }] },
      expected,
      openSubcode.unsupportedOptionalParameter,
    ],
  ];
  for (const [title, open, expectations, subcode] of cases) {
    const error = validateOpen(decodeOpen(encodeOpen(open).subarray(19)), expectations);
    t.equal(error?.notification.subcode, subcode, title);
    if (error) t.match(error, { notification: { code: errorCode.openMessage } }, title);
  }
});

t.test('negotiation', async (t) => {
  const base = { kind: 'open', version: 4, identifier: 1 } as const;
  const everything: OpenMessage['capabilities'] = [
    { kind: 'multiprotocol', family: ipv4Unicast.key },
    { kind: 'multiprotocol', family: ipv6Unicast.key },
    { kind: 'route-refresh' },
    { kind: 'enhanced-route-refresh' },
    { kind: 'extended-message' },
    { kind: 'four-octet-as', asn: 4200000001 },
    { kind: 'graceful-restart', restarting: false, notification: true, restartTimeSeconds: 120, families: [] },
    { kind: 'add-path', families: [{ family: ipv4Unicast.key, receive: false, send: true }] },
  ];
  const local: OpenMessage = { ...base, myAs: 23456, holdTimeSeconds: 90, capabilities: everything };
  const remote: OpenMessage = {
    ...base,
    myAs: 65001,
    identifier: 7,
    holdTimeSeconds: 30,
    capabilities: [
      { kind: 'multiprotocol', family: ipv6Unicast.key },
      { kind: 'multiprotocol', family: ipv4Unicast.key },
      { kind: 'route-refresh' },
      { kind: 'four-octet-as', asn: 65001 },
      {
        kind: 'graceful-restart',
        restarting: true,
        notification: false,
        restartTimeSeconds: 60,
        families: [{ family: ipv4Unicast.key, forwardingPreserved: true }],
      },
      { kind: 'add-path', families: [{ family: ipv4Unicast.key, receive: true, send: true }] },
    ],
  };
  t.strictSame(negotiate(local, remote), {
    localAsn: 4200000001,
    peerAsn: 65001,
    peerType: 'ebgp',
    peerIdentifier: 7,
    holdTimeMs: 30_000,
    keepaliveMs: 10_000,
    families: [ipv4Unicast.key, ipv6Unicast.key],
    fourOctetAs: true,
    routeRefresh: true,
    enhancedRouteRefresh: false,
    extendedMessages: false,
    addPathReceive: [],
    addPathSend: [ipv4Unicast.key],
    extendedNextHop: [],
    gracefulRestart: {
      restarting: true,
      notification: false,
      restartTimeMs: 60_000,
      families: [{ family: ipv4Unicast.key, forwardingPreserved: true }],
    },
  });
  const restarts = [10, 20].map((restartTimeSeconds) => ({
    kind: 'graceful-restart' as const,
    restarting: false,
    notification: false,
    restartTimeSeconds,
    families: [],
  }));
  const twice = negotiate(local, { ...remote, capabilities: restarts });
  t.equal(twice.gracefulRestart?.restartTimeMs, 20_000, 'RFC 4724 §3: all but the last instance are ignored');
  const old: OpenMessage = { ...base, myAs: 65001, holdTimeSeconds: 0, capabilities: [] };
  t.match(negotiate(local, old), {
    families: [ipv4Unicast.key],
    fourOctetAs: false,
    holdTimeMs: 0,
    gracefulRestart: undefined,
  });
  t.equal(negotiate(remote, old).peerType, 'ibgp');
  t.equal(negotiate(local, old, { confederationMembers: [65001] }).peerType, 'confederation');
});

t.test('NOTIFICATION', async (t) => {
  const message = { kind: 'notification', code: 6, subcode: 4, data: bytesOf('0454657374') } as const;
  t.equal(hexOf(encodeMessage(message)), messageHex(3, '06040454657374'));
  t.strictSame(decodeMessage(encodeMessage(message)), message);
  t.equal(shutdownText(message), 'Test');
  t.equal(shutdownText({ ...message, subcode: 1 }), undefined);
  t.equal(shutdownText({ ...message, data: bytesOf('05546573') }), undefined, 'longer than the data');
  t.equal(encodeNotification({ code: 1, subcode: 2, data: new Uint8Array(5000) }).length, 4096);
  const long = encodeShutdownText('é'.repeat(200));
  t.equal(long[0], 254, 'cut between characters');
  t.equal(
    shutdownText({ code: errorCode.cease, subcode: ceaseSubcode.administrativeShutdown, data: long }),
    'é'.repeat(127),
  );
  t.equal(describeNotification(6, 2), 'cease (6) / administrative shutdown (2)');
  t.equal(describeNotification(4, 0), 'hold timer expired (4) / 0 (0)');
  t.equal(nameOf(ceaseSubcode, 99), '99');
});

t.test('KEEPALIVE and ROUTE-REFRESH', async (t) => {
  t.equal(hexOf(encodeKeepalive()), messageHex(4, ''));
  t.strictSame(decodeMessage(encodeKeepalive()), { kind: 'keepalive' });
  const refresh = messageHex(5, '00020101');
  t.strictSame(decodeMessage(bytesOf(refresh)), { kind: 'route-refresh', family: ipv6Unicast.key, subtype: 1 });
  t.equal(hexOf(encodeMessage({ kind: 'route-refresh', family: ipv6Unicast.key, subtype: 1 })), refresh);
  const orf = bytesOf(messageHex(5, '00010001024000'));
  t.equal(hexOf(encodeMessage(decodeMessage(orf))), hexOf(orf));
  const bad = messageHex(5, '0001020100');
  const answer = refusal(() => decodeMessage(bytesOf(bad)));
  t.strictSame(answer && { ...answer, data: hexOf(answer.data) }, { code: 7, subcode: 1, data: bad }, 'RFC 7313 §5');
});

t.test('a whole message is exactly as long as it says', async (t) => {
  for (const hex of ['', marker, `${marker}001304ff`, `${marker}001702000000`]) {
    t.match(
      refusal(() => decodeMessage(bytesOf(hex))),
      { code: 1, subcode: 2 },
      hex,
    );
  }
});

t.test('what is decoded from a Buffer is a copy', async (t) => {
  const bytes = Buffer.from(messageHex(3, '06020454657374'), 'hex');
  const message = decodeMessage(bytes);
  const open = Buffer.from(messageHex(1, '04fde800b4c0000201060204f002abcd'), 'hex');
  const decoded = decodeMessage(open);
  let error: unknown;
  const bad = Buffer.from(`fe${'ff'.repeat(15)}001304`, 'hex');
  try {
    decodeHeader(bad, 0, false);
  } catch (caught) {
    error = caught;
  }
  for (const buffer of [bytes, open, bad]) buffer.fill(0);
  t.match(message, { data: bytesOf('0454657374') });
  t.match(decoded, { capabilities: [{ value: bytesOf('abcd') }] });
  t.ok(error instanceof BgpError && hexOf(error.bytes).startsWith('feff'));
});
