/** Random clusters and connections, small enough that everything meets everything: few names, few labels, few addresses. */
import type {
  Connection,
  RawNamespace,
  RawPeer,
  RawPod,
  RawPolicy,
  RawPort,
  RawRule,
  RawSelector,
  World,
} from './oracle.ts';

/** A deterministic source of numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Worlds {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  world(): World {
    const namespaces = ['x', 'y', 'z'].map((name): RawNamespace => ({ metadata: { name, labels: this.#labels() } }));
    const pods = Array.from({ length: 3 + this.#below(5) }, (_, index) => this.#pod(index));
    const policies = Array.from({ length: 2 + this.#below(4) }, (_, index) => this.#policy(index));
    return { namespaces, pods, policies };
  }

  /** Between pods, or a pod and an address outside; often to a port that the pod says it has. */
  connection({ pods }: World): Connection {
    const family = this.#below(2);
    const addresses = pods.flatMap(({ status }) => status.podIPs[family]?.ip ?? []);
    const outside = family === 0 ? ['10.0.0.30', '192.0.2.1', '10.0.1.1'] : ['fd00::30', 'fe80::1', '2001:db8::1'];
    const any = () => this.#one(this.#chance(0.85) ? addresses : outside);
    const from = any();
    let to = any();
    // A pod always reaches itself, whatever policies say.
    while (to === from) to = any();
    const owner = pods.find(({ status }) => status.podIPs.some(({ ip }) => ip === to));
    const [own] = this.#some(owner?.spec.containers[0]?.ports ?? []);
    if (own !== undefined) return { from, to, protocol: own.protocol ?? 'TCP', port: own.containerPort };
    return { from, to, protocol: this.#one(['TCP', 'TCP', 'UDP', 'SCTP']), port: this.#one([53, 80, 81, 8080, 8090]) };
  }

  #pod(index: number): RawPod {
    const host = index + 1;
    return {
      metadata: { namespace: this.#one(['x', 'x', 'x', 'y', 'z']), name: `pod-${index}`, labels: this.#labels() },
      spec: {
        nodeName: this.#one(['node-1', 'node-1', 'node-1', 'node-2']),
        hostNetwork: this.#chance(0.05),
        containers: [
          {
            ports: this.#some([
              { name: 'http', containerPort: this.#one([80, 8080]) },
              { name: 'dns', containerPort: 53, protocol: 'UDP' },
              { name: 'dns', containerPort: 53, protocol: 'TCP' },
              { containerPort: 81 },
            ]),
          },
        ],
      },
      status: {
        phase: this.#one(['Running', 'Running', 'Running', 'Running', 'Pending', 'Failed', 'Succeeded']),
        podIPs: [{ ip: `10.0.0.${host}` }, { ip: `fd00::${host.toString(16)}` }],
      },
    };
  }

  #policy(index: number): RawPolicy {
    const policyTypes = this.#one([undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']]);
    return {
      metadata: { namespace: this.#one(['x', 'x', 'x', 'y']), name: `policy-${index}` },
      spec: {
        podSelector: this.#selector(),
        ...(policyTypes && { policyTypes }),
        ...(this.#chance(0.8) && { ingress: this.#rules('from') }),
        ...(this.#chance(0.5) && { egress: this.#rules('to') }),
      },
    };
  }

  #rules(side: 'from' | 'to'): RawRule[] {
    return Array.from({ length: this.#below(3) }, () => ({
      ...(this.#chance(0.8) && { [side]: Array.from({ length: this.#below(3) }, () => this.#peer()) }),
      ...(this.#chance(0.7) && { ports: Array.from({ length: this.#below(3) }, () => this.#port()) }),
    }));
  }

  #peer(): RawPeer {
    const kind = this.#below(4);
    if (kind === 0) return { podSelector: this.#selector() };
    if (kind === 1) return { namespaceSelector: this.#selector() };
    if (kind === 2) return { podSelector: this.#selector(), namespaceSelector: this.#selector() };
    return {
      ipBlock: this.#one([
        { cidr: '10.0.0.0/28' },
        { cidr: '10.0.0.0/29', except: ['10.0.0.2/31', '10.0.0.3/32'] },
        { cidr: '10.0.0.0/8', except: ['10.0.0.4/30'] },
        { cidr: '10.0.0.5/32' },
        { cidr: '0.0.0.0/0', except: ['192.0.2.0/24'] },
        { cidr: '::/0' },
        { cidr: 'fd00::/125', except: ['fd00::2/127'] },
        { cidr: '::/0', except: ['fd00::/16', '2001:db8::/32'] },
      ]),
    };
  }

  #port(): RawPort {
    return this.#one<RawPort>([
      { port: 80 },
      { port: 81, protocol: 'TCP' },
      { port: 53, protocol: 'UDP' },
      { port: 80, endPort: 8080 },
      { port: 8090, protocol: 'SCTP' },
      { port: 'http' },
      { port: 'http' },
      { port: 'http' },
      { port: 'dns', protocol: 'UDP' },
      { port: 'dns' },
      { port: 'nothing' },
      { protocol: 'UDP' },
      {},
    ]);
  }

  #selector(): RawSelector {
    const expression = this.#one([
      { key: 'a', operator: 'In', values: ['1', '2'] },
      { key: 'a', operator: 'In', values: ['2'] },
      { key: 'b', operator: 'NotIn', values: ['1'] },
      { key: 'b', operator: 'Exists' },
      { key: 'a', operator: 'DoesNotExist' },
    ]);
    return this.#one<RawSelector>([
      {},
      {},
      { matchLabels: this.#labels() },
      { matchExpressions: [expression] },
      { matchLabels: { a: '1' }, matchExpressions: [expression] },
    ]);
  }

  #labels(): Record<string, string> {
    return {
      ...(this.#chance(0.6) && { a: this.#one(['1', '2']) }),
      ...(this.#chance(0.5) && { b: this.#one(['1', '2']) }),
    };
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #one<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T;
  }

  #some<T>(values: readonly T[]): T[] {
    return values.filter(() => this.#chance(0.5));
  }
}
