/** What a firewall lives through: new pods, other programs, restarts, another backend. In all of it nothing opens. */
import t from 'tap';
import { Names } from '../../../packages/agent/src/policy/names.ts';
import type { RawPolicy, World } from '../../../packages/agent/test/unit/policy/oracle.ts';
import { type Probe, waitFor } from '../../src/index.ts';
import { type BackendName, backends, NODE, PolicyLab } from './policy-lab.ts';

t.setTimeout(0);

/** Pod 0 lets only pod 1 in, on port 80; pod 3 is in no manifest until the test says so. */
const policy: RawPolicy = {
  metadata: { namespace: 'x', name: 'only-pod-1' },
  spec: {
    podSelector: { matchLabels: { pod: 'pod-0' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'pod-1' } } }], ports: [{ port: 80 }] }],
  },
};

function world(lab: PolicyLab, names: readonly string[], policies: RawPolicy[] = [policy]): World {
  const pods = lab.pods.filter(({ podName }) => names.includes(podName));
  return {
    namespaces: [{ metadata: { name: 'x', labels: {} } }],
    policies,
    pods: pods.map(({ podName, addresses }) => ({
      metadata: { namespace: 'x', name: podName, labels: { pod: podName } },
      spec: { nodeName: NODE, containers: [] },
      status: { phase: 'Running', podIPs: addresses.map((ip) => ({ ip })) },
    })),
  };
}

const everybody = ['pod-0', 'pod-1', 'pod-2', 'pod-3'];

export async function live(backend: BackendName, other: BackendName): Promise<void> {
  const lab = await PolicyLab.start(4, [...backends[backend], '--iptables-sync-period=2s', '-v=1']);
  const to = (name: string, family: 0 | 1 = 0): Probe => {
    const address = lab.pods.find(({ podName }) => podName === name)?.addresses[family] ?? '';
    return { protocol: 'TCP', address, port: 80 };
  };
  const both = (name: string) => [to(name, 0), to(name, 1)];
  const rules = async () => {
    const text = await lab.node.exec([
      'sh',
      '-c',
      'iptables-save -t filter; ip6tables-save -t filter; ipset save | sort; nft -s list table ip kube-router-filter-ipv4; nft -s list table ip6 kube-router-filter-ipv6; true',
    ]);
    const lines = text
      .replaceAll(/^#.*$/gm, '')
      .replaceAll(/\[\d+:\d+\]/g, '')
      .split('\n');
    // A table that was made anew may list its chains in another order.
    return lines.sort().join('\n');
  };
  /** Probes of an allowed and of a denied pair, over and over until `action` is done. */
  const during = async (action: () => Promise<void>) => {
    const seen = { allowed: 0, cut: 0, denied: 0, opened: 0 };
    let done = false;
    const many = Array.from({ length: 10 }, () => both('pod-0')).flat();
    const watch = async () => {
      while (!done) {
        for (const open of await lab.probe('pod-1', many)) seen[open ? 'allowed' : 'cut']++;
        for (const open of await lab.probe('pod-2', many)) seen[open ? 'opened' : 'denied']++;
      }
    };
    const watching = watch();
    await action();
    done = true;
    await watching;
    t.ok(seen.allowed > 10 && seen.denied > 10, 'enough packets to tell');
    t.equal(seen.cut, 0, 'no allowed connection was refused');
    t.equal(seen.opened, 0, 'no denied connection passed');
    return seen;
  };

  await lab.apply(world(lab, ['pod-0', 'pod-1', 'pod-2']), backend);
  t.strictSame(await lab.probe('pod-1', both('pod-0')), [true, true], 'allowed');
  t.strictSame(await lab.probe('pod-2', both('pod-0')), [false, false], 'denied');

  await t.test('a new pod is closed until its rules are in', async (t) => {
    t.strictSame(await lab.probe('pod-3', [...both('pod-1'), ...both('pod-2')]), [false, false, false, false], 'out');
    t.strictSame(await lab.probe('pod-1', both('pod-3')), [false, false], 'in');
    t.ok(await lab.node.ping(lab.pods[3]?.ipv4 ?? ''), 'the node reaches it');
    await lab.apply(world(lab, everybody), backend);
    t.strictSame(await lab.probe('pod-3', [...both('pod-1'), ...both('pod-2')]), [true, true, true, true], 'out');
    t.strictSame(await lab.probe('pod-1', both('pod-3')), [true, true], 'in');
    const samples = await lab.agent.metrics();
    const count = samples.find(({ name }) => name === 'kube_router_policy_pod_closed_seconds_count')?.value ?? 0;
    t.ok(count >= 1, `how long it took is measured (${count})`);
  });

  await t.test('the command routelet says why', async (t) => {
    t.match((await lab.agent.routelet('policy', 'x/pod-0')).stdout, /in the kernel[\s\S]*x\/only-pod-1 .* TCP 80/);
    t.match(await lab.agent.routelet('verdict', 'x/pod-1', 'x/pod-0', '80'), {
      code: 0,
      stdout: /x\/only-pod-1 lets TCP 80 from/,
    });
    t.match(await lab.agent.routelet('verdict', 'x/pod-2', 'x/pod-0', '80'), {
      code: 3,
      stdout: /no rule of x\/only-pod-1 lets it/,
    });
  });

  await t.test('pods reach the address of the bridge', async (t) => {
    t.strictSame((await lab.pods[1]?.tryExec(['ping', '-c', '1', '-W', '2', '10.0.0.1']))?.code, 0);
    const listener = await lab.node.listen('tcp', 7000);
    t.equal(await lab.pods[1]?.ask('tcp', '10.0.0.1', 7000), NODE);
    await listener.stop('SIGKILL');
  });

  await t.test('rules that another program writes meanwhile survive (T-37)', async (t) => {
    const numbers = Array.from({ length: 30 }, (_, index) => index);
    const writes = (async () => {
      for (const number of numbers) {
        await lab.node.exec(['iptables', '-w', '-A', 'FORWARD', '-s', `192.0.2.${number}`, '-j', 'DROP']);
      }
    })();
    for (let step = 0; step < 6; step++)
      await lab.apply(world(lab, everybody, step % 2 === 0 ? [] : [policy]), backend);
    await writes;
    const standing = (await lab.node.exec(['iptables', '-S', 'FORWARD'])).match(/-s 192\.0\.2\./g);
    t.equal(standing?.length, numbers.length);
    await lab.node.exec(['sh', '-c', "iptables -S FORWARD | grep 192.0.2 | sed 's/^-A/-D/' | xargs -L1 iptables -w"]);
  });

  await t.test('a restart changes nothing', async (t) => {
    const before = await rules();
    t.match(before, /KUBE-POD-FW-/);
    await during(async () => {
      await lab.agent.stop();
      lab.agent.start();
      await lab.agent.process.waitForLine(/ started /);
    });
    t.equal(await rules(), before);
    t.strictSame(lab.agent.logged(['WARN', 'ERROR'], /firewall/), []);
    t.strictSame(
      lab.agent.process.lines.filter((line) => /rules of the firewall changed/.test(line)),
      [],
    );
  });

  await t.test('a second firewall does not start', async (t) => {
    const flags = ['--manifests', `${lab.node.folder}/manifests`, '--run-router=false', '--run-service-proxy=false'];
    const second = lab.spawnAgent([...flags, '--health-port=0', '--ask-socket=']);
    t.match(await second.waitForLine(/cannot start/), /another routelet-agent is the firewall/);
  });

  await t.test('what others remove is put back', async (t) => {
    const before = await rules();
    const removals = {
      iptables: [
        'iptables -F KUBE-ROUTER-FORWARD',
        'iptables -F FORWARD',
        'iptables -I FORWARD -j ACCEPT',
        'ipset flush kube-router-local-pods',
        'iptables -F; iptables -X',
      ],
      nftables: [
        'nft flush chain ip kube-router-filter-ipv4 KUBE-ROUTER-FORWARD',
        'nft delete table ip kube-router-filter-ipv4',
        'nft add rule ip kube-router-filter-ipv4 KUBE-NWPLCY-COMMON accept',
        'nft flush set ip6 kube-router-filter-ipv6 kube-router-local-pods',
      ],
    };
    for (const removal of removals[backend]) {
      await lab.node.exec(['sh', '-c', removal]);
      await waitFor(
        `the repair of: ${removal}`,
        async () => (await rules()).replace('-A FORWARD -j ACCEPT\n', '') === before,
        {
          deadlineMs: 30_000,
          everyMs: 200,
        },
      );
      await lab.node.exec(['sh', '-c', 'iptables -D FORWARD -j ACCEPT 2>/dev/null || true']);
    }
    t.ok(lab.agent.logged(['WARN'], /were changed by others and are put back/).length > 0);
    t.ok(((await lab.agent.metric('policy_drift')) ?? 0) > 0);
  });

  if (backend === 'iptables') {
    await t.test('a set that somebody else holds closes its policy alone', async (t) => {
      const open: RawPolicy = { ...policy, metadata: { namespace: 'x', name: 'held' } };
      const set = new Names().set({ policy: 'x/held', of: 'targets' }, 'ingress', 4);
      // Of another kind, full of what nobody knows, and in use.
      await lab.node.exec([
        ...['sh', '-c'],
        `ipset create ${set} hash:net; ipset add ${set} 10.0.0.0/24; iptables -A INPUT -m set --match-set ${set} src -s 192.0.2.1`,
      ]);
      await lab.apply(world(lab, everybody, [open]), backend);
      t.strictSame(await lab.probe('pod-1', both('pod-0')), [false, true], 'IPv4 is closed, IPv6 is as it should');
      t.strictSame(await lab.probe('pod-1', both('pod-2')), [true, true], 'others do not notice');
      const [said] = lab.agent.logged(['ERROR'], /the kernel refuses its rules/);
      t.match(said, /NetworkPolicy x\/held: .* it is closed: .*IPSET_ERR_BUSY/);
      await lab.node.exec(['sh', '-c', `iptables -D INPUT -m set --match-set ${set} src -s 192.0.2.1`]);
      await waitFor('the policy in force', async () => (await lab.probe('pod-1', both('pod-0')))[0] === true, {
        deadlineMs: 30_000,
        everyMs: 200,
      });
      await lab.apply(world(lab, everybody), backend);
    });
  }

  await t.test('the other backend takes over without a gap', async (t) => {
    await during(async () => {
      await lab.agent.stop();
      const manifests = `${lab.node.folder}/manifests`;
      lab.agent.start({ manifests, flags: ['--run-router=false', '--run-firewall=true', ...backends[other]] });
      await lab.agent.process.waitForLine(/rules of the other backend removed/);
    });
    const leftover =
      backend === 'iptables'
        ? /KUBE-ROUTER-INPUT -s|KUBE-POD-FW-.* -m comment|create KUBE-/
        : /kube-router-filter-ipv[46] /;
    t.notMatch(
      await lab.node.exec(['sh', '-c', 'iptables-save; ip6tables-save; ipset save; nft list tables']),
      leftover,
    );
    await lab.apply(world(lab, everybody, []), other);
    t.strictSame(await lab.probe('pod-2', both('pod-0')), [true, true], 'and follows the cluster');
  });
  lab.stop();
}
