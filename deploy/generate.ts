/**
 * The variants of the DaemonSet: `node deploy/generate.ts` writes them from routelet.yaml, which is the generic one and
 * written by hand. A unit test fails when one says something else.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { planProxySysctls } from '../packages/agent/src/proxy/forwarding.ts';

type Replacement = readonly [text: string | RegExp, by: string];

export interface Variant {
  /** In this folder. */
  readonly file: string;
  /** First line of the file. */
  readonly about: string;
  /** Flags of the agent that are added, or have another value. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Replaced once each; a text that is not there is a mistake. */
  readonly replaced?: readonly Replacement[];
}

const vips = { 'advertise-cluster-ip': 'true', 'advertise-external-ip': 'true', 'advertise-loadbalancer-ip': 'true' };

const LAST_PLUGIN = `          "ipam": {
            "type": "host-local"
          }
        }
`;
const PORTMAP = `${LAST_PLUGIN.trimEnd()},
        {
          "type": "portmap",
          "capabilities": {
            "snat": true,
            "portMappings": true
          }
        }
`;

const CNI_SETUP = `              cni-install
              conf=/etc/cni/net.d/10-kuberouter.conflist
              if [ ! -f "$conf" ]; then
                cp /etc/kube-router/cni-conf.json "$conf.part"
                mv "$conf.part" "$conf"
              fi
`;
/** The rights of the base, by which modules read them. */
const CORE_KINDS = 'resources: [nodes, services, pods, namespaces]';
const ENDPOINT_SLICES = `  - apiGroups: [discovery.k8s.io]
    resources: [endpointslices]
    verbs: [list, watch]
`;
const BGP_PORT = ', NET_BIND_SERVICE]';
/** The configuration of CNI, its folders, and what names it. */
const WITHOUT_CNI: readonly Replacement[] = [
  [/apiVersion: v1\nkind: ConfigMap\n[\s\S]*?\n---\n/, ''],
  [
    / +# What needs more than the agent has:[^\n]*\n/,
    '        # What needs more than the agent has: the module and the sysctls.\n',
  ],
  [/ +- name: KUBE_ROUTER_CNI_CONF_FILE\n +value: [^\n]*\n/, ''],
  [/ +- \{ name: cni-conf-dir, mountPath[^\n]*\n/, ''],
  [/ +- \{ name: cni-bin-dir, mountPath[^\n]*\n/, ''],
  [/ +- \{ name: routelet-cfg, mountPath[^\n]*\n/, ''],
  [/ +- \{ name: cni-conf-dir, mountPath[^\n]*\n/, ''],
  [/ +- \{ name: cni-conf-dir, hostPath[^\n]*\n/, ''],
  [/ +- \{ name: cni-bin-dir, hostPath[^\n]*\n/, ''],
  [/ +- \{ name: routelet-cfg, configMap[^\n]*\n/, ''],
];
/** As the agent sets them where it may (packages/agent/src/proxy/forwarding.ts). */
const proxySysctls = planProxySysctls(undefined, new Map()).map(
  ({ key, value }) => `${key.replace('net/ipv4/', '')}=${value}`,
);

export const variants: readonly Variant[] = [
  {
    file: 'routelet-advertise-routes.yaml',
    about: 'routelet as in routelet.yaml, and addresses of Services announced to external peers.',
    flags: vips,
  },
  {
    file: 'routelet-only-advertise-routes.yaml',
    about:
      'routelet beside another pod network: no CNI file, no sessions between nodes, routes to external peers alone.',
    flags: {
      'enable-cni': 'false',
      'enable-ibgp': 'false',
      'enable-overlay': 'false',
      'enable-pod-egress': 'false',
      ...vips,
    },
  },
  {
    file: 'routelet-firewall-only.yaml',
    about: 'routelet beside another pod network: network policies alone.',
    flags: { 'run-router': 'false', 'run-firewall': 'true', 'enable-cni': 'false' },
    replaced: [
      [CORE_KINDS, 'resources: [nodes, pods, namespaces]'],
      [ENDPOINT_SLICES, ''],
      [CNI_SETUP, ''],
      [BGP_PORT, ']'],
      ...WITHOUT_CNI,
    ],
  },
  {
    file: 'routelet-hostport.yaml',
    about: 'routelet as in routelet.yaml, with hostPort of pods by the CNI plugin portmap.',
    replaced: [[LAST_PLUGIN, PORTMAP]],
  },
  {
    file: 'routelet-kubeadm.yaml',
    about:
      'routelet on a cluster of kubeadm: the API server is found by the kubeconfig of kube-proxy, before there are Services.',
    flags: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
    replaced: [
      [
        '            - { name: socket, mountPath: /run/routelet }\n',
        '            - { name: socket, mountPath: /run/routelet }\n            - { name: kube-proxy, mountPath: /var/lib/kube-proxy, readOnly: true }\n',
      ],
      [
        '        - { name: socket, emptyDir: {} }\n',
        '        - { name: socket, emptyDir: {} }\n        - { name: kube-proxy, configMap: { name: kube-proxy } }\n',
      ],
    ],
  },
  {
    file: 'routelet-service-proxy.yaml',
    about: 'routelet as in routelet.yaml, with Services by IPVS: for clusters without kube-proxy. Give it --master.',
    flags: { 'run-service-proxy': 'true' },
    replaced: [
      [
        '              cd /proc/sys/net\n',
        `              modprobe -a ip_vs ip_vs_rr ip_vs_lc ip_vs_dh ip_vs_sh ip_vs_mh xt_ipvs dummy || echo 'a module of IPVS is missing'
              cd /proc/sys/net/ipv4
              for pair in ${proxySysctls.join(' ')}; do
                if [ -f "\${pair%=*}" ]; then echo "\${pair#*=}" > "\${pair%=*}"; fi
              done
              cd /proc/sys/net
`,
      ],
    ],
  },
];

const ARGUMENTS = /( +)args:\n((?: +- --[^\n]+\n)+)/;

/** The text of a variant's file. Throws when the base has not what it changes. */
export function variantText(base: string, { about, flags = {}, replaced = [] }: Variant): string {
  let text = base.replace(/^(?:#[^\n]*\n)+/, `# ${about}\n# Generated from routelet.yaml by generate.ts.\n`);
  const [block, indent = '', lines = ''] = ARGUMENTS.exec(text) ?? [];
  if (block === undefined) throw new Error('the base has no arguments of the agent');
  const others = lines
    .split('\n')
    .filter((line) => line !== '' && !Object.keys(flags).some((flag) => line.includes(`--${flag}=`)));
  const added = Object.entries(flags).map(([flag, value]) => `${indent}  - --${flag}=${value}`);
  text = text.replace(block, `${indent}args:\n${[...others, ...added].join('\n')}\n`);
  for (const [before, after] of replaced) {
    const changed = text.replace(before, after);
    if (changed === text) throw new Error(`the base has no ${before}`);
    text = changed;
  }
  return text;
}

export function readBase(): string {
  return readFileSync(resolve(import.meta.dirname, 'routelet.yaml'), 'utf8');
}

if (import.meta.main) {
  const base = readBase();
  for (const variant of variants) writeFileSync(resolve(import.meta.dirname, variant.file), variantText(base, variant));
  console.log(`written: ${variants.map(({ file }) => file).join(', ')}`);
}
