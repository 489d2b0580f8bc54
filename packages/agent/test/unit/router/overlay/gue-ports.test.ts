import t from 'tap';
import { planGuePorts } from '../../../../src/router/overlay/gue-ports.ts';
import type { Tunnel } from '../../../../src/router/overlay/tunnel.ts';

const v4 = (guePort?: number): Tunnel => ({ kind: 'ipip', local: '10.0.0.1', remote: '10.9.0.2', guePort });
const v6 = (guePort?: number): Tunnel => ({ kind: 'ip6tnl', local: 'fd00::1', remote: 'fd00::9', guePort });

t.test('one port a family, while a tunnel needs it', (t) => {
  t.strictSame(planGuePorts([v4(5555), v4(5555), v6(5555)], [], []).add, [
    { family: 4, port: 5555 },
    { family: 6, port: 5555 },
  ]);
  t.strictSame(planGuePorts([v4(5555)], [], [{ family: 4, port: 5555 }]), { add: [], remove: [] });
  t.strictSame(planGuePorts([v4()], [], []), { add: [], remove: [] });
  t.end();
});

t.test('ports of tunnels that are no more are closed; a port that no tunnel of ours had is somebody else’s', (t) => {
  const actual = [
    { family: 4, port: 5555 },
    { family: 4, port: 6635 },
  ] as const;
  t.strictSame(planGuePorts([v4()], [v4(5555)], actual).remove, [{ family: 4, port: 5555 }], 'from fou to ipip');
  t.strictSame(planGuePorts([v4(5556)], [v4(5555)], actual).remove, [{ family: 4, port: 5555 }], 'another port');
  t.strictSame(planGuePorts([v4(5555)], [v4(5555)], actual).remove, [], 'one of several tunnels');
  t.strictSame(planGuePorts([], [v6(5555)], actual).remove, []);
  t.strictSame(planGuePorts([], [], actual).remove, []);
  t.end();
});
