import t from 'tap';
import { readNamespace } from '../../../src/cluster/namespace.ts';
import { readPod } from '../../../src/cluster/pod.ts';

t.test('what is read of a Pod', (t) => {
  t.strictSame(
    readPod({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'shop',
        labels: { app: 'web' },
        annotations: { x: 'y' },
        ownerReferences: [{}],
      },
      spec: {
        nodeName: 'n1',
        hostNetwork: true,
        terminationGracePeriodSeconds: 30,
        initContainers: [{ name: 'i', ports: [{ containerPort: 1 }] }],
        containers: [
          {
            name: 'a',
            image: 'x',
            ports: [
              { name: 'http', containerPort: 80, protocol: 'TCP' },
              { containerPort: 53, protocol: 'UDP' },
            ],
          },
          { name: 'b' },
        ],
      },
      status: {
        phase: 'Running',
        hostIP: '10.0.0.1',
        podIP: '10.244.1.5',
        podIPs: [{ ip: '10.244.1.5' }, { ip: 'fd00::5' }],
      },
    }),
    {
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'shop', labels: { app: 'web' }, annotations: {} },
      spec: {
        hostNetwork: true,
        containers: [
          {
            ports: [
              { protocol: 'TCP', containerPort: 80, name: 'http' },
              { protocol: 'UDP', containerPort: 53, name: '' },
            ],
          },
        ],
        nodeName: 'n1',
        terminationGracePeriodSeconds: 30,
      },
      status: { phase: 'Running', podIPs: ['10.244.1.5', 'fd00::5'], hostIP: '10.0.0.1' },
    },
  );
  t.end();
});

t.test('the least Pod there is, and one with the old field', (t) => {
  t.match(readPod({ metadata: { name: 'p' } }), {
    metadata: { namespace: 'default' },
    spec: { hostNetwork: false, containers: [] },
    status: { phase: 'Pending', podIPs: [] },
  });
  t.match(readPod({ metadata: { name: 'p' }, status: { podIP: '10.244.1.5' } }), {
    status: { podIPs: ['10.244.1.5'] },
  });
  t.match(readPod({ metadata: { name: 'p' }, status: { podIP: '' } }), { status: { podIPs: [] } });
  t.end();
});

t.test('a bad Pod is named by path and value', (t) => {
  const bad = { metadata: { name: 'p' }, status: { podIPs: [{ ip: 'x' }] } };
  t.match(readPod(bad), { problem: /^status\.podIPs\[0\]\.ip: "x" is no IP address/ });
  t.match(readPod({ metadata: { name: 'p' }, spec: { containers: [{ ports: [{}] }] } }), {
    problem: /^spec\.containers\[0\]\.ports\[0\]\.containerPort: /,
  });
  t.end();
});

t.test('what is read of a Namespace', (t) => {
  const raw = { metadata: { name: 'shop', labels: { team: 'a' }, annotations: { x: 'y' } }, spec: { finalizers: [] } };
  t.strictSame(readNamespace(raw), {
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { team: 'a' }, annotations: {} },
  });
  t.match(readNamespace({ metadata: {} }), { problem: /^metadata\.name: / });
  t.end();
});
