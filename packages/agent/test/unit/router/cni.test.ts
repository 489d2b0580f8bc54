import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { type CniError, planCni } from '../../../src/router/cni.ts';

const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);

/** C-6: the shipped conf. */
const SHIPPED = `{
  "cniVersion": "0.3.0",
  "name": "mynet",
  "type": "bridge",
  "bridge": "kube-bridge",
  "isDefaultGateway": true,
  "hairpinMode": true,
  "ipam": {
    "type": "host-local"
  }
}
`;

const SHIPPED_FILLED = `{
  "cniVersion": "0.3.0",
  "name": "mynet",
  "type": "bridge",
  "bridge": "kube-bridge",
  "isDefaultGateway": true,
  "hairpinMode": true,
  "ipam": {
    "type": "host-local",
    "ranges": [
      [
        {
          "subnet": "10.244.1.0/24"
        }
      ],
      [
        {
          "subnet": "fd00:1::/64"
        }
      ]
    ]
  },
  "mtu": 1450
}
`;

const LIST = `{"cniVersion":"0.3.0","name":"mynet","x-unknown":{"b":1,"a":[null]},"plugins":[{"type":"firewall"},{"name":"kubernetes","type":"bridge","bridge":"kube-bridge","mtu":9000,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.9.0.0/24","rangeStart":"10.9.0.9"}]],"routes":[{"dst":"0.0.0.0/0"}]}},{"type":"portmap","capabilities":{"portMappings":true},"snat":true}]}`;
const LIST_FILLED = LIST.replace(
  '"rangeStart":"10.9.0.9"}]]',
  '"rangeStart":"10.9.0.9"}],[{"subnet":"10.244.1.0/24"}]]',
).replace('"mtu":9000', '"mtu":1500');

const SUBNET = `{\n\t"type": "bridge",\n\t"ipam": {\n\t\t"type": "host-local",\n\t\t"subnet": "10.244.1.0/24",\n\t\t"gateway": "10.244.1.9"\n\t}\n}`;
const SUBNET_MOVED = `{\n\t"type": "bridge",\n\t"ipam": {\n\t\t"type": "host-local",\n\t\t"ranges": [\n\t\t\t[\n\t\t\t\t{\n\t\t\t\t\t"subnet": "10.244.1.0/24",\n\t\t\t\t\t"gateway": "10.244.1.9"\n\t\t\t\t}\n\t\t\t]\n\t\t]\n\t}\n}`;

interface Case {
  readonly what: string;
  readonly path: string;
  readonly text: string;
  readonly podCidrs: readonly string[];
  readonly mtu?: number;
  readonly result: string;
  readonly stray: readonly string[];
}

const cases: readonly Case[] = [
  {
    what: 'T-3: conf, dual stack',
    path: '/etc/cni/net.d/10-kuberouter.conf',
    text: SHIPPED,
    podCidrs: ['10.244.1.0/24', 'fd00:1::/64'],
    mtu: 1450,
    result: SHIPPED_FILLED,
    stray: [],
  },
  {
    what: 'T-3: conflist with ranges and unknown keys, on one line',
    path: '/etc/cni/net.d/10-kuberouter.conflist',
    text: LIST,
    podCidrs: ['10.244.1.0/24'],
    mtu: 1500,
    result: LIST_FILLED,
    stray: ['10.9.0.0/24'],
  },
  {
    what: 'C-2: subnet moves into ranges with what belongs to it',
    path: 'x.conf',
    text: SUBNET,
    podCidrs: ['10.244.1.0/24'],
    result: SUBNET_MOVED,
    stray: [],
  },
];

t.test('golden texts, and a second run is a no-op', (t) => {
  t.ok(cases.length > 0);
  for (const { what, path, text, podCidrs, mtu, result, stray } of cases) {
    const goal = { podCidrs: prefixes(...podCidrs), mtu };
    const plan = planCni(text, path, goal);
    t.equal(plan.text, result, what);
    t.strictSame(plan.strayRanges, stray, `${what}: stray ranges`);
    t.equal(planCni(result, path, goal).text, undefined, `${what}: second run`);
  }
  t.end();
});

t.test('a range in other words is the same range', (t) => {
  const text = '{"type":"bridge","ipam":{"ranges":[[{"subnet":"FD00:1:0::/64"}]]}}';
  t.strictSame(planCni(text, 'x.conf', { podCidrs: prefixes('fd00:1::/64'), mtu: undefined }), {
    text: undefined,
    strayRanges: [],
  });
  t.end();
});

const bad: readonly (readonly [path: string, text: string, code: CniError['code'], message: RegExp])[] = [
  [
    'x.conf',
    '',
    'not-json',
    /^CNI configuration x\.conf: got text that is not JSON \(.*\), expected a CNI configuration$/,
  ],
  ['x.conf', '{"type": "bridge",}', 'not-json', /not JSON/],
  ['x.conf', '[]', 'shape', /expected a JSON object/],
  ['x.conf', '{"type": "ptp"}', 'no-bridge', /got type "ptp", expected "bridge"/],
  ['x.conflist', '{"type": "bridge"}', 'shape', /expected a list at plugins/],
  ['x.conflist', '{"plugins": [{"type": "ptp"}]}', 'no-bridge', /expected a plugin of type "bridge"/],
  ['x.conf', '{"type": "bridge", "ipam": "dhcp"}', 'shape', /expected an object at ipam/],
  ['x.conf', '{"type": "bridge", "ipam": {"ranges": [{"subnet": "10.0.0.0/8"}]}}', 'shape', /list of lists of ranges/],
];

t.test('C-5: a file that cannot be edited is one typed error', (t) => {
  t.ok(bad.length > 0);
  for (const [path, text, code, message] of bad) {
    t.throws(
      () => planCni(text, path, { podCidrs: [], mtu: undefined }),
      { name: 'CniError', code, path, message },
      text,
    );
  }
  t.end();
});
