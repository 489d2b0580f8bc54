import t from 'tap';
import { blackholeStatement } from '../../../src/index.ts';
import { Bench } from '../speaker/pair.ts';

const BLACKHOLE = 0xffff_029a;
const NO_EXPORT = 0xffff_ff01;

t.test('RFC 7999 §3.2, §3.3', async (t) => {
  const bench = new Bench();
  const victim = bench.node('10.0.0.1', 65001);
  const provider = bench.node('10.0.0.2', 65000, {
    importPolicy: {
      name: 'customer',
      statements: [
        blackholeStatement({
          prefixes: ['192.0.2.0/24', '2001:db8::/32'],
          shortest: { ipv6: 64 },
          nextHop: { ipv4: '192.0.2.254', ipv6: '100::1' },
        }),
        { name: 'ours', match: { prefixes: [{ prefix: '192.0.2.0/24' }] }, verdict: 'accept' },
      ],
      defaultVerdict: 'reject',
    },
  });
  const beyond = bench.node('10.0.0.3', 65003);
  const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
  bench.peer(victim, provider, { families });
  bench.peer(provider, beyond, { families });
  const marked = { communities: [BLACKHOLE] };
  for (const [prefix, attributes] of [
    ['192.0.2.0/24', {}],
    ['192.0.2.1/32', marked],
    ['192.0.2.2/32', {}],
    ['192.0.2.128/25', marked],
    ['198.51.100.1/32', marked],
    ['2001:db8:1::/64', marked],
    ['2001:db8::/48', marked],
  ] as const) {
    victim.speaker.announce({ prefix, attributes, ...(prefix.includes(':') && { nextHop: '2001:db8::1' }) });
  }
  await bench.start(victim, provider, beyond);
  t.strictSame(
    Array.from(provider.speaker.routes(), ({ prefix, nextHop, attributes }) => [
      prefix,
      nextHop,
      attributes.communities,
    ]),
    [
      ['192.0.2.0/24', '10.0.0.1', undefined],
      ['192.0.2.1/32', '192.0.2.254', [BLACKHOLE, NO_EXPORT]],
      ['2001:db8:1::/64', '100::1', [BLACKHOLE, NO_EXPORT]],
    ],
  );
  t.strictSame(bench.table(beyond), ['192.0.2.0/24 10.0.0.2'], 'stays inside the AS');
});
