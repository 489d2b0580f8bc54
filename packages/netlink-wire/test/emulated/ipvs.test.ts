/** IPVS in a kernel that has it, the command `ipvsadm` the judge in both directions. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import {
  AF_INET,
  AF_INET6,
  IP_VS_CONN_F_DROUTE,
  IP_VS_CONN_F_MASQ,
  IP_VS_CONN_F_TUNNEL,
  IP_VS_CONN_F_TUNNEL_TYPE_GUE,
  IP_VS_STATE_MASTER,
  IP_VS_SVC_F_HASHED,
  IP_VS_SVC_F_ONEPACKET,
  IP_VS_SVC_F_PERSISTENT,
  IP_VS_SVC_F_SCHED1,
  IP_VS_SVC_F_SCHED2,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  Ipvs,
  type IpvsDestination,
  type IpvsOperation,
  type IpvsService,
  type IpvsServiceKey,
} from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';

function ipvsadm(words: string): string {
  return execFileSync('ipvsadm', words.split(' '), { encoding: 'utf8' });
}

const lines = (text: string) => text.trim().split('\n').sort();

const key = (address: string, port: number, protocol = IPPROTO_TCP): IpvsServiceKey => ({
  family: address.includes(':') ? AF_INET6 : AF_INET,
  protocol,
  address: bytesOf(address),
  port,
});
const service = (known: IpvsServiceKey, more: Partial<IpvsService> = {}): IpvsService => ({
  ...known,
  scheduler: 'rr',
  flags: 0,
  timeout: 0,
  netmask: known.family === AF_INET ? 32 : 128,
  ...more,
});
const destination = (address: string, port: number, more: Partial<IpvsDestination> = {}): IpvsDestination => ({
  family: address.includes(':') ? AF_INET6 : AF_INET,
  address: bytesOf(address),
  port,
  forwarding: IP_VS_CONN_F_MASQ,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  ...more,
});
const add = (object: IpvsService): IpvsOperation => ({ kind: 'service', action: 'add', object });
const join = (known: IpvsServiceKey, object: IpvsDestination): IpvsOperation => ({
  kind: 'destination',
  action: 'add',
  service: known,
  object,
});

const api = key('10.96.0.1', 443);
const sticky = key('10.96.0.2', 80);
const dns = key('10.96.0.10', 53, IPPROTO_UDP);
const six = key('fd00:96::1', 443);
const marked: IpvsServiceKey = { family: AF_INET, mark: 100 };
const hashed = key('10.96.0.3', 80);

const client = await Ipvs.open();
t.teardown(() => client.close());
const done = async (...operations: IpvsOperation[]): Promise<void> => {
  const errors = (await client.apply(operations)).filter((error) => error !== undefined);
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
};

await t.test('the family is there as soon as it is asked for', async (t) => {
  t.match(await client.info(), { version: 0x010201 });
  t.strictSame(await client.services(), []);
});

await t.test('what we make, ipvsadm saves', async (t) => {
  await done(
    add(service(api)),
    add(service(sticky, { scheduler: 'wrr', flags: IP_VS_SVC_F_PERSISTENT, timeout: 10_800 })),
    add(service(dns, { flags: IP_VS_SVC_F_ONEPACKET })),
    add(service(key('10.96.0.11', 9, IPPROTO_SCTP))),
    add(service(six, { flags: IP_VS_SVC_F_PERSISTENT, timeout: 600, netmask: 64 })),
    add(service(marked)),
    add(service({ family: AF_INET6, mark: 200 })),
    add(service(hashed, { scheduler: 'mh', flags: IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 })),
    join(api, destination('10.244.1.5', 6443)),
    join(api, destination('10.244.1.6', 6443, { weight: 0, upperThreshold: 100, lowerThreshold: 50 })),
    join(six, destination('fd00:1::5', 6443, { weight: 7 })),
    join(dns, destination('10.244.1.7', 53, { forwarding: IP_VS_CONN_F_DROUTE })),
    join(marked, destination('10.244.1.5', 0, { forwarding: IP_VS_CONN_F_TUNNEL })),
    join(
      marked,
      destination('10.244.1.6', 0, {
        forwarding: IP_VS_CONN_F_TUNNEL,
        tunnel: { type: IP_VS_CONN_F_TUNNEL_TYPE_GUE, port: 6080, flags: 0 },
      }),
    ),
  );
  t.strictSame(lines(ipvsadm('-Sn')), [
    '-A --sctp-service 10.96.0.11:9 -s rr',
    '-A -f 100 -s rr',
    '-A -f 200 -6 -s rr',
    '-A -t 10.96.0.1:443 -s rr',
    '-A -t 10.96.0.2:80 -s wrr -p 10800',
    '-A -t 10.96.0.3:80 -s mh -b mh-fallback,mh-port',
    '-A -t [fd00:96::1]:443 -s rr -p 600 -M 64',
    '-A -u 10.96.0.10:53 -s rr -o',
    '-a -f 100 -r 10.244.1.5:0 -i -w 1 --tun-type ipip',
    '-a -f 100 -r 10.244.1.6:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum',
    '-a -t 10.96.0.1:443 -r 10.244.1.5:6443 -m -w 1',
    '-a -t 10.96.0.1:443 -r 10.244.1.6:6443 -m -w 0',
    '-a -t [fd00:96::1]:443 -r [fd00:1::5]:6443 -m -w 7',
    '-a -u 10.96.0.10:53 -r 10.244.1.7:53 -g -w 1',
  ]);
  t.match(ipvsadm('-Ln --thresholds'), /10\.244\.1\.6:6443 +100 +50 /, 'which it does not save');
});

await t.test('what ipvsadm makes, we list', async (t) => {
  ipvsadm('-A -t 10.96.0.20:80 -s wrr -p 300 -M 255.255.255.0');
  ipvsadm('-a -t 10.96.0.20:80 -r 10.244.9.9:8080 -m -w 5 -x 9');
  const theirs = key('10.96.0.20', 80);
  const { stats, ...found } = await client.service(theirs);
  t.strictSame(
    found,
    service(theirs, {
      scheduler: 'wrr',
      flags: IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_HASHED,
      timeout: 300,
      netmask: 24,
    }),
  );
  t.match(stats, { connections: 0n, inBytes: 0n });
  t.match(await client.destinations(theirs), [destination('10.244.9.9', 8080, { weight: 5, upperThreshold: 9 })]);
  t.equal((await client.services()).length, 9);
  t.strictSame(await client.destinations(key('10.96.0.99', 1)), [], 'of a service that is not there');
  await t.rejects(client.service(key('10.96.0.99', 1)), { code: 'ESRCH' });
  ipvsadm('--set 901 121 301');
  t.strictSame(await client.timeouts(), { tcp: 901, tcpFin: 121, udp: 301 });
});

await t.test('refusals stand at their operations, the rest is done', async (t) => {
  const results = await client.apply([
    add(service(api)),
    add(service(key('10.96.0.4', 80), { scheduler: 'nosuch' })),
    { kind: 'service', action: 'set', object: service(sticky, { scheduler: 'rr' }) },
    { kind: 'service', action: 'set', object: service(key('10.96.0.99', 80)) },
    join(api, destination('10.244.1.5', 6443)),
    join(key('10.96.0.99', 80), destination('10.244.1.5', 80)),
    { kind: 'destination', action: 'set', service: api, object: destination('10.244.1.5', 6443, { weight: 9 }) },
    { kind: 'destination', action: 'delete', service: api, object: destination('10.244.1.6', 6443) },
    { kind: 'destination', action: 'delete', service: api, object: destination('10.244.1.6', 6443) },
    { kind: 'service', action: 'delete', object: six },
    { kind: 'service', action: 'delete', object: six },
    { kind: 'service', action: 'delete', object: { family: AF_INET6, mark: 200 } },
    { kind: 'timeouts', action: 'set', object: { tcp: 0, tcpFin: 99, udp: 0 } },
    { kind: 'service', action: 'zero', object: api },
  ]);
  t.strictSame(
    results.map((error) => error?.code),
    [
      'EEXIST',
      'ENOENT',
      undefined,
      'ESRCH',
      'EEXIST',
      'ESRCH',
      undefined,
      undefined,
      'ENOENT',
      undefined,
      'ESRCH',
      undefined,
      undefined,
      undefined,
    ],
  );
  const saved = ipvsadm('-Sn');
  t.match(saved, '-A -t 10.96.0.2:80 -s rr\n', 'no longer persistent');
  t.match(saved, '-a -t 10.96.0.1:443 -r 10.244.1.5:6443 -m -w 9');
  t.notMatch(saved, /fd00|10\.244\.1\.6:6443|-f 200/);
  t.strictSame(await client.timeouts(), { tcp: 901, tcpFin: 99, udp: 301 }, '0 leaves one as it is');
});

await t.test('daemon, counters, and all at once', async (t) => {
  const object = { state: IP_VS_STATE_MASTER, multicastInterface: 'lo', syncId: 7 };
  await done({ kind: 'daemon', action: 'start', object });
  t.match(await client.daemons(), [object]);
  t.match(ipvsadm('-L --daemon'), /master sync daemon \(mcast=lo, syncid=7/);
  await done({ kind: 'daemon', action: 'stop', object });
  t.strictSame(await client.daemons(), []);
  await client.zero();
  const many = Array.from({ length: 300 }, (_, number) => add(service(key('10.97.0.1', number + 1))));
  await done(...many);
  t.equal((await client.services()).length, 307, 'a dump of many parts');
  await client.flush();
  t.equal(ipvsadm('-Sn'), '');
});
