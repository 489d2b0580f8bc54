import t from 'tap';
import { formatProblem } from '../../../src/annotations/problem.ts';
import { parseServiceSettings } from '../../../src/annotations/service.ts';

const read = (annotations: Readonly<Record<string, string>>) => {
  const named = Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [`kube-router.io/service.${name}`, value]),
  );
  const { value, problems } = parseServiceSettings(named);
  return { ...value, problems: problems.map((one) => formatProblem('service shop/web', one)) };
};

t.test('nothing given', (t) => {
  t.strictSame(read({}), {
    advertise: { clusterIp: undefined, externalIp: undefined, loadBalancerIp: undefined },
    skipLoadBalancerIps: false,
    local: false,
    dsr: false,
    scheduler: 'rr',
    schedulerFlags: [],
    hairpin: false,
    hairpinExternalIps: false,
    communities: [],
    problems: [],
  });
  t.end();
});

t.test("S-1: the words of Go's strconv.ParseBool; anything else is false and named", (t) => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True'])
    t.equal(read({ 'advertise.clusterip': text }).advertise.clusterIp, true, text);
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False'])
    t.equal(read({ 'advertise.externalip': text }).advertise.externalIp, false, text);
  for (const text of ['', 'yes', 'tRUE', ' true']) {
    const { advertise, problems } = read({ 'advertise.loadbalancerip': text });
    t.equal(advertise.loadBalancerIp, false, text);
    t.strictSame(problems, [
      `service shop/web: annotation kube-router.io/service.advertise.loadbalancerip: got ${JSON.stringify(text)}, expected true or false; it is taken as false`,
    ]);
  }
  t.end();
});

t.test('S-2, S-7: presence counts, whatever the value', (t) => {
  for (const text of ['', 'false', 'true']) {
    t.match(read({ skiplbips: text, hairpin: text, 'hairpin.externalips': text }), {
      skipLoadBalancerIps: true,
      hairpin: true,
      hairpinExternalIps: true,
      problems: [],
    });
  }
  t.end();
});

t.test('S-3 to S-6: values, and what becomes of bad ones', (t) => {
  t.match(read({ local: 'true', dsr: 'tunnel', scheduler: 'mh', schedflags: 'flag-1, flag-2' }), {
    local: true,
    dsr: true,
    scheduler: 'mh',
    schedulerFlags: ['flag-1', 'flag-2'],
    problems: [],
  });
  const cases: readonly (readonly [given: Readonly<Record<string, string>>, value: object, problem: RegExp])[] = [
    [{ local: 'yes' }, { local: false }, /service\.local: got "yes", expected true, false; it is not used/],
    [{ dsr: 'route' }, { dsr: false }, /service\.dsr: got "route", expected tunnel; it is not used/],
    [{ scheduler: 'wrr' }, { scheduler: 'rr' }, /scheduler: got "wrr", expected rr, lc, dh, sh, mh; it is not used/],
    [
      { scheduler: 'mh', schedflags: 'flag-1,flag-9' },
      { schedulerFlags: ['flag-1'] },
      /schedflags at \[1\]: got "flag-9", expected flag-1, flag-2, flag-3/,
    ],
    [{ schedflags: 'flag-1' }, { schedulerFlags: [] }, /schedflags: got "flag-1", expected .*scheduler to be mh/],
    [{ 'bgp.communities': '65000:1,x' }, { communities: [65000 * 65536 + 1] }, /communities at \[1\]: got "x"/],
  ];
  t.ok(cases.length > 0);
  for (const [given, value, problem] of cases) {
    const result = read(given);
    t.match(result, value, JSON.stringify(given));
    t.match(result.problems, [problem]);
    t.equal(result.problems.length, 1);
  }
  t.end();
});
