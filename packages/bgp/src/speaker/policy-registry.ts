/** Compiled chains by content, so that equal chains of many peers are compiled once and their peers share a group. */
import type { PeerType } from '../attribute/descriptor.ts';
import { type CompiledPolicy, compilePolicy } from '../policy/compile.ts';
import type { PolicyChain } from '../policy/model.ts';
import { contentOf } from './content.ts';

/** RFC 8212 §2: an eBGP peer without policy gets nothing and is believed nothing. */
const denyAll: PolicyChain = { name: 'RFC 8212 default', statements: [], defaultVerdict: 'reject' };

export interface RegisteredPolicy {
  readonly id: number;
  readonly policy: CompiledPolicy;
}

export class PolicyRegistry {
  readonly #byContent = new Map<string | undefined, RegisteredPolicy>();
  /** Chains are values that nobody changes: one with thousands of prefixes is read once, not once for each of its peers. */
  readonly #contents = new WeakMap<PolicyChain, string | undefined>();
  #lastId = 0;

  /** The policy in force: the peer's own chain, else the speaker's, else the default of the peer's type. */
  inForce(type: PeerType, own: PolicyChain | undefined, common: PolicyChain | undefined): RegisteredPolicy | undefined {
    const chain = own ?? common ?? (type === 'ebgp' ? denyAll : undefined);
    return chain === undefined ? undefined : this.compile(chain);
  }

  /** The compiled form of a chain, made once. Throws `PolicyError`. */
  compile(chain: PolicyChain): RegisteredPolicy {
    const content = this.#contents.get(chain) ?? contentOf(chain);
    this.#contents.set(chain, content);
    let registered = this.#byContent.get(content);
    if (registered === undefined) {
      registered = { id: ++this.#lastId, policy: compilePolicy(chain) };
      this.#byContent.set(content, registered);
    }
    return registered;
  }

  /** Forgets the chains that none of `used` is. */
  keepOnly(used: ReadonlySet<number>): void {
    for (const [content, { id }] of this.#byContent) if (!used.has(id)) this.#byContent.delete(content);
  }
}
