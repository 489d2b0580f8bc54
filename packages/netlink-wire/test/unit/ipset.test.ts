/** The bytes of set requests are those that `ipset` sends, and the kernel's replies are read (captures-ipset.json). */
import t from 'tap';
import * as k from '../../src/constants/index.ts';
import { NLMSG_ERROR } from '../../src/constants/netlink.ts';
import type { SetDefinition, SetElement } from '../../src/ipset/model.ts';
import {
  type ChangeElement,
  createRequest,
  ElementRefusal,
  elementRequest,
  elementsRequest,
  setRequest,
  testRequest,
} from '../../src/ipset/operation.ts';
import { planSteps } from '../../src/ipset/pack.ts';
import {
  decodeListPart,
  decodeProtocol,
  decodeType,
  joinParts,
  type ListPart,
  listRequest,
  protocolRequest,
  typeRequest,
} from '../../src/ipset/query.ts';
import { decodeAcknowledgement } from '../../src/message/acknowledgement.ts';
import type { Request } from '../../src/message/request.ts';
import type { Reader } from '../../src/wire/reader.ts';
import { bytesOf, Captures, eachMessage, fromHex, requestHex } from '../fixtures/captures.ts';

const captures = new Captures('captures-ipset.json');
const protocol = k.IPSET_PROTOCOL;

const create = (revision: number, set: Partial<SetDefinition> & Pick<SetDefinition, 'name' | 'type'>): Request =>
  createRequest(protocol, { family: k.AF_INET, ...set }, revision);
const add = (name: string, element: SetElement, exclusive = true): Request =>
  elementRequest(protocol, { action: 'add', name, element, exclusive });
const ip = (address: string) => ({ ip: bytesOf(address) });
const net = (address: string, prefixLength: number) => ({ ip: bytesOf(address), prefixLength });
const host = ip('10.0.0.1');

const requests: Readonly<Record<string, Request>> = {
  'create hash:ip': create(6, { name: 'ip', type: 'hash:ip', timeout: 0 }),
  'create hash:net': create(7, { name: 'net', type: 'hash:net', hashSize: 2048, maxElements: 100_000 }),
  'create hash:net v6': create(7, {
    name: 'net6',
    type: 'hash:net',
    family: k.AF_INET6,
    timeout: 30,
    flags: k.IPSET_FLAG_WITH_COUNTERS,
  }),
  'create hash:ip netmask': create(6, {
    name: 'masked',
    type: 'hash:ip',
    netmask: 24,
    flags: k.IPSET_FLAG_WITH_COMMENT,
  }),
  'create hash:ip,port': create(7, { name: 'ipport', type: 'hash:ip,port' }),
  'create list:set': create(3, { name: 'list', type: 'list:set', family: k.AF_UNSPEC, size: 16 }),
  'add ip': add('ip', host),
  'add ip exist': add('ip', { ...host, timeout: 60 }, false),
  'add ip range': add('ip', { ...ip('10.0.1.1'), ipTo: bytesOf('10.0.1.3') }),
  'add net': add('net', net('10.1.0.0', 16)),
  'add net nomatch': add('net', { ...net('10.1.2.0', 24), flags: k.IPSET_FLAG_NOMATCH }),
  'add net v6': add('net6', { ...net('fd00::', 64), timeout: 0, packets: 5n, bytes: 600n }),
  'add comment': add('masked', { ...ip('10.2.3.4'), comment: 'some' }),
  'add ip,port': add('ipport', { ...host, port: 80, protocol: k.IPPROTO_TCP }),
  'add ip,port range': add('ipport', { ...host, port: 53, portTo: 55, protocol: k.IPPROTO_UDP }),
  'add net,port': add('netport', { ...net('fd00:1::', 64), port: 53, protocol: k.IPPROTO_UDP }),
  'add ip,port,ip': add('ipportip', { ...host, port: 80, protocol: k.IPPROTO_SCTP, ip2: bytesOf('10.0.0.2') }),
  'add ip,port,net': add('ipportnet', {
    ...host,
    port: 80,
    protocol: k.IPPROTO_TCP,
    ip2: bytesOf('10.3.0.0'),
    prefixLength2: 16,
  }),
  'add net,iface': add('netiface', { ...net('10.0.0.0', 24), interface: 'lo' }),
  'add to list': add('list', { set: 'net' }),
  'add to list before': add('list', { set: 'ip', reference: 'net', flags: k.IPSET_FLAG_BEFORE }),
  delete: elementRequest(protocol, { action: 'delete', name: 'net', element: ip('10.9.9.9'), exclusive: true }),
  'test in': testRequest(protocol, 'ip', host),
  'list one': listRequest(protocol, 'ip', false),
  'list headers': listRequest(protocol, undefined, true),
  rename: setRequest(protocol, { action: 'rename', name: 'full', other: 'fuller' }),
  swap: setRequest(protocol, { action: 'swap', name: 'ip', other: 'fuller' }),
  flush: setRequest(protocol, { action: 'flush', name: 'ip' }),
  destroy: setRequest(protocol, { action: 'destroy', name: 'fuller' }),
};

/** NLM_F_EXCL says nothing to the kernel here, and a dump gets its flags from the connection. */
const otherFlags = new Set(['destroy', 'list one', 'list headers']);

for (const [name, request] of Object.entries(requests)) {
  t.test(name, async (t) => {
    const sent = fromHex(captures.named(name).sent.at(-1) ?? '');
    if (otherFlags.has(name)) sent.set([5, 0], 6);
    t.equal(requestHex(request, sent), Buffer.from(sent).toString('hex'), captures.named(name).command);
  });
}

t.test('version and type are asked for as `ipset` does', async (t) => {
  const [first = '', second = ''] = captures.named('create hash:net').sent;
  const asked = [protocolRequest(protocol), typeRequest(protocol, 'hash:net', k.AF_INET)];
  for (const [index, text] of [first, second].entries()) {
    const sent = fromHex(text);
    sent.set([5, 0], 6);
    const request = asked[index];
    t.equal(request && requestHex(request, sent), Buffer.from(sent).toString('hex'));
  }
  const answers: Reader[] = [];
  eachMessage(captures.named('create hash:net').received, (header, body) => {
    if (header.type !== NLMSG_ERROR) answers.push(body);
  });
  const [version, type] = answers;
  if (version === undefined || type === undefined) throw new Error('no answers');
  t.strictSame(decodeProtocol(version), { version: 7, minimum: 6 });
  t.strictSame(decodeType(type), { type: 'hash:net', family: k.AF_INET, revision: 7, minimumRevision: 0 });
});

t.test('many elements in one message', async (t) => {
  const changes = ['10.0.3.1', '10.0.0.1', '10.0.3.2'].map(
    (address): ChangeElement => ({ action: 'add', name: 'ip', element: ip(address), exclusive: true }),
  );
  const { sent, received } = captures.named('restore with error');
  const request = elementsRequest(protocol, changes);
  t.equal(requestHex(request, fromHex(sent.at(-1) ?? '')), sent.at(-1));
  let refusals = 0;
  eachMessage(received, (header, body) => {
    if (header.type !== NLMSG_ERROR) return;
    const refusal = request.refusal(decodeAcknowledgement(header, body));
    t.ok(refusal instanceof ElementRefusal);
    t.match(refusal, { index: 1, code: 'IPSET_ERR_EXIST', request: 'ipset add ip 10.0.0.1' });
    refusals++;
  });
  t.equal(refusals, 1);
});

t.test('refusals have the names of ipset', async (t) => {
  const expected: readonly (readonly [string, Request, string])[] = [
    ['create hash:ip again', create(6, { name: 'ip', type: 'hash:ip' }), 'EEXIST'],
    ['create unknown', typeRequest(protocol, 'hash:mac', 0), 'IPSET_ERR_FIND_TYPE'],
    ['add ip again', add('ip', host), 'IPSET_ERR_EXIST'],
    ['add beyond full', add('full', host), 'IPSET_ERR_HASH_FULL'],
    ['add to list missing', add('list', { set: 'nothing' }), 'IPSET_ERR_NAME'],
    ['delete missing', add('net', host), 'IPSET_ERR_EXIST'],
    ['rename to taken', setRequest(protocol, { action: 'rename', name: 'a', other: 'b' }), 'IPSET_ERR_EXIST_SETNAME2'],
    ['swap other type', setRequest(protocol, { action: 'swap', name: 'a', other: 'b' }), 'IPSET_ERR_TYPE_MISMATCH'],
    ['destroy referenced', setRequest(protocol, { action: 'destroy', name: 'net' }), 'IPSET_ERR_BUSY'],
    ['destroy missing', setRequest(protocol, { action: 'destroy', name: 'nothing' }), 'ENOENT'],
    ['list missing', listRequest(protocol, 'nothing', false), 'ENOENT'],
  ];
  for (const [name, request, code] of expected) {
    const codes: string[] = [];
    eachMessage(captures.named(name).received, (header, body) => {
      if (header.type === NLMSG_ERROR) codes.push(request.refusal(decodeAcknowledgement(header, body)).code);
    });
    t.strictSame(codes, [code], name);
  }
});

function listed(name: string) {
  const parts: ListPart[] = [];
  eachMessage(captures.named(name).received, (header, body) => {
    if (header.type === ((k.NFNL_SUBSYS_IPSET << 8) | k.IPSET_CMD_LIST)) {
      parts.push(decodeListPart(body));
      body.finish();
    }
  });
  return joinParts(parts);
}

t.test('sets as the kernel lists them', async (t) => {
  const sets = new Map(listed('list all').map((set) => [set.name, set]));
  t.equal(sets.size, 12);
  t.match(sets.get('ip'), {
    type: 'hash:ip',
    family: k.AF_INET,
    revision: 6,
    timeout: 0,
    hashSize: 1024,
    references: 1,
  });
  t.match(sets.get('net'), { maxElements: 100_000, hashSize: 2048 });
  t.equal(sets.get('net')?.timeout, undefined);
  const nets = sets.get('net')?.elements ?? [];
  t.ok(nets.some(({ flags, prefixLength }) => flags === k.IPSET_FLAG_NOMATCH && prefixLength === 24));
  t.match(sets.get('net6'), {
    flags: k.IPSET_FLAG_WITH_COUNTERS,
    elements: [{ ...net('fd00::', 64), timeout: 0, packets: 5n, bytes: 600n }],
  });
  t.match(sets.get('masked'), { netmask: 24, elements: [{ ...ip('10.2.3.0'), comment: 'some' }] });
  t.equal(sets.get('ipport')?.elements.length, 4, 'a range of ports is three');
  t.match(sets.get('netport')?.elements, [{ ...net('fd00:1::', 64), port: 53, protocol: k.IPPROTO_UDP }]);
  t.match(sets.get('ipportnet')?.elements, [{ ...host, ip2: bytesOf('10.3.0.0'), prefixLength2: 16 }]);
  t.match(sets.get('netiface')?.elements, [{ interface: 'lo' }]);
  t.match(sets.get('list'), { type: 'list:set', size: 16, elements: [{ set: 'ip' }, { set: 'net' }] });
  const headers = listed('list headers');
  t.equal(headers.length, 12);
  t.ok(headers.every(({ elements }) => elements.length === 0));
  t.equal(headers.find(({ name }) => name === 'ipport')?.elementCount, 4);
});

t.test('a set in several parts is one set', async (t) => {
  const [set] = listed('list one');
  if (set === undefined) throw new Error('no set');
  const { elements, ...header } = set;
  const part = (from: number, to: number) => ({ name: set.name, elements: elements.slice(from, to) });
  t.ok(elements.length > 3);
  t.strictSame(joinParts([{ ...part(0, 2), header }, part(2, 3), part(3, 99)]), [set]);
});

t.test('changes of elements share messages, and none overtakes what it depends on', async (t) => {
  const change = (action: 'add' | 'delete', name: string, last: number): ChangeElement => ({
    action,
    name,
    element: ip(`10.0.0.${last}`),
  });
  const many = Array.from({ length: 450 }, () => change('add', 'a', 1));
  const steps = planSteps([
    { action: 'create', set: { name: 'a', type: 'hash:ip', family: k.AF_INET } },
    { action: 'create', set: { name: 'b', type: 'hash:ip', family: k.AF_INET } },
    ...many,
    change('add', 'b', 1),
    change('delete', 'b', 2),
    change('delete', 'a', 3),
    { action: 'swap', name: 'a', other: 'b' },
  ]);
  t.strictSame(
    steps.map((step) => (step.kind === 'sets' ? step.operations.length : step.groups.map(({ length }) => length))),
    [2, [200, 200, 50, 1], [1, 1], 1],
  );
});
