/** The bytes of IPVS requests are those that `ipvsadm` sends, and the kernel's replies are read (captures-ipvs.json). */
import t from 'tap';
import { Ipvs } from '../../src/client/ipvs.ts';
import * as k from '../../src/constants/index.ts';
import { NLM_F_DUMP, NLMSG_ERROR } from '../../src/constants/netlink.ts';
import { sink } from '../../src/fake/index.ts';
import type { IpvsDestination, IpvsService, IpvsServiceKey } from '../../src/ipvs/model.ts';
import { type IpvsOperation, ipvsRequest, ipvsWholeRequest } from '../../src/ipvs/operation.ts';
import {
  decodeDaemonReply,
  decodeDestinationReply,
  decodeInfo,
  decodeServiceReply,
  decodeTimeouts,
  destinationsQuery,
  servicesQuery,
} from '../../src/ipvs/query.ts';
import { decodeAcknowledgement } from '../../src/message/acknowledgement.ts';
import { request } from '../../src/message/request.ts';
import { Reader } from '../../src/wire/reader.ts';
import { bytesOf, Captures, eachMessage, fromHex, requestHex } from '../fixtures/captures.ts';

const captures = new Captures('captures-ipvs.json');
/** That of the guest in which they were made. */
const familyId = 0x20;

const key = (address: string, port: number, protocol = k.IPPROTO_TCP): IpvsServiceKey => ({
  family: address.includes(':') ? k.AF_INET6 : k.AF_INET,
  protocol,
  address: bytesOf(address),
  port,
});
const service = (known: IpvsServiceKey, more: Partial<IpvsService> = {}): IpvsService => ({
  ...known,
  scheduler: 'rr',
  flags: 0,
  timeout: 0,
  netmask: known.family === k.AF_INET ? 32 : 128,
  ...more,
});
const destination = (address: string, port: number, more: Partial<IpvsDestination> = {}): IpvsDestination => ({
  family: address.includes(':') ? k.AF_INET6 : k.AF_INET,
  address: bytesOf(address),
  port,
  forwarding: k.IP_VS_CONN_F_MASQ,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  // `ipvsadm` says it for all methods.
  tunnel: { type: k.IP_VS_CONN_F_TUNNEL_TYPE_IPIP, port: 0, flags: 0 },
  ...more,
});

const api = key('10.96.0.1', 443);
const sticky = key('10.96.0.2', 80);
const dns = key('10.96.0.10', 53, k.IPPROTO_UDP);
const six = key('fd00:96::1', 443);
const marked: IpvsServiceKey = { family: k.AF_INET, mark: 100 };

const add = (object: IpvsService): IpvsOperation => ({ kind: 'service', action: 'add', object });
const persistent = { flags: k.IP_VS_SVC_F_PERSISTENT };

const whole: Readonly<Record<string, IpvsOperation>> = {
  'add tcp': add(service(api)),
  'add tcp persistent': add(service(sticky, { ...persistent, timeout: 10_800 })),
  'add udp': add(service(dns, { scheduler: 'wrr' })),
  'add sctp': add(service(key('10.96.0.11', 9, k.IPPROTO_SCTP))),
  'add v6': add(service(six, { ...persistent, timeout: 600, netmask: 64 })),
  'add fwmark': add(service(marked)),
  'add fwmark v6': add(service({ family: k.AF_INET6, mark: 200 })),
  'add scheduler flags': add(
    service(key('10.96.0.3', 80), { scheduler: 'mh', flags: k.IP_VS_SVC_F_SCHED1 | k.IP_VS_SVC_F_SCHED2 }),
  ),
  'add one packet': add(service(key('10.96.0.12', 53, k.IPPROTO_UDP), { flags: k.IP_VS_SVC_F_ONEPACKET })),
  edit: {
    kind: 'service',
    action: 'set',
    object: service(sticky, { ...persistent, scheduler: 'wrr', timeout: 300 }),
  },
  'set timeouts': { kind: 'timeouts', action: 'set', object: { tcp: 900, tcpFin: 120, udp: 300 } },
  'start daemon': {
    kind: 'daemon',
    action: 'start',
    object: { state: k.IP_VS_STATE_MASTER, multicastInterface: 'lo', syncId: 7 },
  },
};

for (const [name, operation] of Object.entries(whole)) {
  t.test(name, async (t) => {
    const sent = captures.named(name).sent.at(-1) ?? '';
    t.equal(requestHex(ipvsRequest(familyId, operation), fromHex(sent)), sent, captures.named(name).command);
  });
}

/** `ipvsadm` says more of a service than what it is known by when it means its destinations. */
const ofDestinations: Readonly<Record<string, readonly [IpvsServiceKey, IpvsDestination]>> = {
  'add destination': [api, destination('10.244.1.5', 6443)],
  'add destination thresholds': [
    api,
    destination('10.244.1.6', 6443, { weight: 3, upperThreshold: 100, lowerThreshold: 50 }),
  ],
  'add destination v6': [six, destination('fd00:1::5', 6443)],
  'add destination fwmark': [marked, destination('10.244.1.5', 0, { forwarding: k.IP_VS_CONN_F_TUNNEL })],
  'add destination gue': [
    marked,
    destination('10.244.1.6', 0, {
      forwarding: k.IP_VS_CONN_F_TUNNEL,
      tunnel: { type: k.IP_VS_CONN_F_TUNNEL_TYPE_GUE, port: 6080, flags: k.IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM },
    }),
  ],
  'add destination direct': [dns, destination('10.244.1.7', 53, { forwarding: k.IP_VS_CONN_F_DROUTE })],
};

for (const [name, [of, object]] of Object.entries(ofDestinations)) {
  t.test(name, async (t) => {
    const sent = captures.named(name).sent.at(-1) ?? '';
    const ours = requestHex(
      ipvsRequest(familyId, { kind: 'destination', action: 'add', service: of, object }),
      fromHex(sent),
    );
    const nest = '60000280';
    t.ok(sent.includes(nest), 'IPVS_CMD_ATTR_DEST');
    t.equal(ours.slice(ours.indexOf(nest)), sent.slice(sent.indexOf(nest)));
    t.equal(ours.slice(32, 40), sent.slice(32, 40), 'the command');
  });
}

t.test('lists, counters and all services at once', async (t) => {
  const cases: readonly (readonly [string, ReturnType<typeof ipvsWholeRequest>])[] = [
    ['zero', ipvsWholeRequest(familyId, 'zero')],
    ['flush', ipvsWholeRequest(familyId, 'flush')],
    ['info', request(familyId, NLM_F_DUMP, 'list', servicesQuery, undefined)],
    ['list', request(familyId, NLM_F_DUMP, 'list', destinationsQuery, { family: k.AF_INET6, mark: 200 })],
  ];
  for (const [name, asked] of cases) {
    const sent = captures.named(name).sent.at(-1) ?? '';
    t.equal(requestHex(asked, fromHex(sent)), sent, name);
  }
});

/** The replies of one command among those to a call of `ipvsadm`. */
function replies<T>(name: string, command: number, decode: (body: Reader) => T): T[] {
  const found: T[] = [];
  eachMessage(captures.named(name).received, (header, body) => {
    const bytes = body.bytes(body.remaining);
    if (header.type !== familyId || bytes[0] !== command) return;
    const window = new Reader(bytes);
    found.push(decode(window));
    window.finish();
  });
  return found;
}

t.test('services as the kernel lists them', async (t) => {
  const services = replies('list', k.IPVS_CMD_NEW_SERVICE, decodeServiceReply);
  t.equal(services.length, 9);
  const at = (wanted: IpvsServiceKey) =>
    services.find(
      ({ mark, address, family }) =>
        family === wanted.family && mark === wanted.mark && address?.join() === wanted.address?.join(),
    );
  const { stats, ...first } = at(api) ?? service(api);
  // The kernel shows that each is hashed.
  t.strictSame(first, service(api, { flags: k.IP_VS_SVC_F_HASHED }));
  t.match(stats, { connections: 0n, inBytes: 0n, outByteRate: 0n });
  t.match(at(sticky), { scheduler: 'wrr', timeout: 300, flags: k.IP_VS_SVC_F_HASHED | k.IP_VS_SVC_F_PERSISTENT });
  t.match(at(six), { family: k.AF_INET6, address: bytesOf('fd00:96::1'), netmask: 64 });
  t.match(at(marked), { mark: 100, scheduler: 'rr' });
  t.equal(at(marked)?.address, undefined);
});

t.test('destinations as the kernel lists them', async (t) => {
  const found = replies('list', k.IPVS_CMD_NEW_DEST, (body) => decodeDestinationReply(body, k.AF_INET));
  t.equal(found.length, 6);
  const at = (address: string, port: number) =>
    found.find((one) => one.address.join() === bytesOf(address).join() && one.port === port);
  t.match(at('10.244.1.5', 6443), { family: k.AF_INET, weight: 0, forwarding: k.IP_VS_CONN_F_MASQ });
  t.equal(at('10.244.1.5', 6443)?.tunnel, undefined, 'only tunnels have one');
  t.match(at('10.244.1.6', 6443), { weight: 3, upperThreshold: 100, lowerThreshold: 50, connections: { active: 0 } });
  t.match(at('fd00:1::5', 6443), { family: k.AF_INET6 });
  t.match(at('10.244.1.6', 0), {
    forwarding: k.IP_VS_CONN_F_TUNNEL,
    tunnel: { type: k.IP_VS_CONN_F_TUNNEL_TYPE_GUE, port: 6080, flags: 0 },
  });
});

t.test('what is general', async (t) => {
  t.strictSame(replies('info', INFO_REPLY, decodeInfo)[0], { version: 0x010201, connectionTableSize: 4096 });
  t.strictSame(replies('timeouts', k.IPVS_CMD_SET_CONFIG, decodeTimeouts), [{ tcp: 900, tcpFin: 120, udp: 300 }]);
  t.match(replies('daemons', k.IPVS_CMD_NEW_DAEMON, decodeDaemonReply), [
    { state: k.IP_VS_STATE_MASTER, multicastInterface: 'lo', syncId: 7 },
  ]);
});

/** IPVS_CMD_SET_INFO: "only used in GET_INFO reply". */
const INFO_REPLY = 14;

t.test('refusals', async (t) => {
  const expected: readonly (readonly [string, string])[] = [
    ['add tcp again', 'EEXIST'],
    ['add unknown scheduler', 'ENOENT'],
    ['edit missing', 'ESRCH'],
    ['add destination again', 'EEXIST'],
    ['add destination to missing', 'ESRCH'],
    ['edit destination missing', 'ENOENT'],
    ['delete destination missing', 'ENOENT'],
    ['delete missing', 'ESRCH'],
  ];
  const asked = ipvsRequest(familyId, {
    kind: 'destination',
    action: 'set',
    service: api,
    object: destination('10.244.1.5', 6443),
  });
  for (const [name, code] of expected) {
    const codes: string[] = [];
    eachMessage(captures.named(name).received.slice(-1), (header, body) => {
      if (header.type === NLMSG_ERROR) codes.push(asked.refusal(decodeAcknowledgement(header, body)).code);
    });
    t.strictSame(codes, [code], name);
  }
  t.equal(asked.describe(), 'ipvs destination set 10.244.1.5:6443 of tcp 10.96.0.1:443');
  const deleted = ipvsRequest(familyId, { kind: 'service', action: 'delete', object: six });
  t.equal(deleted.describe(), 'ipvs service delete tcp [fd00:96::1]:443');
});

t.test('many changes go in few sends, and one that has no form stops none', async (t) => {
  const { dial, counts } = sink();
  const client = await Ipvs.open({ dial });
  t.teardown(() => client.close());
  t.strictSame(await client.services(), []);
  const before = { ...counts };
  const operations: IpvsOperation[] = Array.from({ length: 1000 }, (_, number) =>
    add(service(key(`10.96.1.${number % 250}`, 1 + number))),
  );
  operations[500] = add(service(api, { netmask: 33 }));
  operations[501] = {
    kind: 'destination',
    action: 'add',
    service: api,
    object: { ...destination('10.244.1.5', 80), family: k.AF_INET6 },
  };
  const results = await client.apply(operations);
  t.strictSame(
    results.flatMap((error, place) => (error === undefined ? [] : [`${place} ${error.code}`])),
    ['500 EINVAL', '501 EINVAL'],
  );
  t.equal(counts.messages - before.messages, 998);
  t.ok(counts.datagrams - before.datagrams <= 5, `${counts.datagrams - before.datagrams} sends`);
});
