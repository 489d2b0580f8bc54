/**
 * The commands of `routelet`, one row each: how the words after its name become a question, and how the answer reads. A
 * module that answers more questions adds its rows here.
 */
import type { AskName, Asks, PlanQuestion, VerdictQuestion } from './model.ts';
import { neighborText, peersText, planText, routesText, statusText, whyText } from './text/answers.ts';
import { policyText, verdictText } from './text/policies.ts';

export interface CommandInput {
  /** The words that stand for `arguments`. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Reads the files of a folder, or one file. */
  readonly readManifests: (path: string) => PlanQuestion['manifests'];
}

export interface CommandRow<K extends AskName> {
  readonly about: string;
  /** `<ip>`: an argument that has to be given; `[flags...]`: any number. */
  readonly arguments?: readonly (readonly [form: string, about: string])[];
  readonly options?: readonly (readonly [form: string, about: string])[];
  question(input: CommandInput): Asks[K]['question'];
  text(answer: Asks[K]['answer']): string;
  /** Exit code of an answer; 0 when left out. */
  exitCode?(answer: Asks[K]['answer']): number;
}

/** The route that was asked about is not in place, or the connection is refused. */
export const EXIT_NOT_IN_PLACE = 3;

const DEFAULT_LIMIT = 1000;

export const commands: { readonly [K in AskName]: CommandRow<K> } = {
  status: {
    about: 'the agent as a whole: version, modules, heartbeats, counts, and what is wrong now',
    question: () => ({}),
    text: statusText,
  },
  peers: {
    about: 'BGP sessions: state, prefixes in and out, last error',
    question: () => ({}),
    text: peersText,
  },
  routes: {
    about: 'routes that are wanted, and what became of each in the kernel',
    question: () => ({}),
    text: routesText,
  },
  neighbor: {
    about: 'all of one session: capabilities, timers, counters, policies, and both tables with what policy did',
    arguments: [['<ip>', 'address of the peer']],
    options: [['--limit <routes>', `most routes of each table, ${DEFAULT_LIMIT} when left out`]],
    question: ({ words: [address = ''], options }) => ({
      address,
      limit: Number(options['limit'] ?? DEFAULT_LIMIT),
    }),
    text: neighborText,
  },
  plan: {
    about: 'what a change of manifests or flags would do: UPDATEs, sessions, routes, sets and rules; changes nothing',
    arguments: [['[flags...]', 'flags of routelet-agent, behind --']],
    options: [
      [
        '-f, --filename <path>',
        'manifest, or folder of manifests, whose objects are added or take the place of those there',
      ],
      ['--all', 'the objects of the manifests are all there are'],
    ],
    question: ({ words, options, readManifests }) => ({
      manifests: typeof options['filename'] === 'string' ? readManifests(options['filename']) : [],
      all: options['all'] === true,
      flags: words,
    }),
    text: planText,
  },
  why: {
    about: 'follow a destination from its Node to the kernel, and name the step that stopped it',
    arguments: [['<destination>', 'an address, a prefix, or the name of a Node']],
    question: ({ words: [about = ''] }) => ({ about }),
    text: whyText,
    exitCode: ({ stoppedAt }) => (stoppedAt === undefined ? 0 : EXIT_NOT_IN_PLACE),
  },
  policy: {
    about: 'the policies of a pod of this node, and what each of their rules lets pass',
    arguments: [['<pod>', 'NAMESPACE/NAME']],
    question: ({ words: [pod = ''] }) => ({ pod }),
    text: policyText,
  },
  verdict: {
    about: 'whether this node lets a connection pass, and the policy and rule that say so',
    arguments: [
      ['<from>', 'NAMESPACE/NAME of a pod, or an address'],
      ['<to>', 'the same'],
      ['<port>', 'number, with /UDP or /SCTP behind it for another protocol than TCP'],
    ],
    question: ({ words: [from = '', to = '', words = ''] }) => {
      const [port, protocol = 'TCP'] = words.toUpperCase().split('/');
      return { from, to, port: Number(port), protocol: protocol as VerdictQuestion['protocol'] };
    },
    text: verdictText,
    exitCode: ({ allowed }) => (allowed ? 0 : EXIT_NOT_IN_PLACE),
  },
};
