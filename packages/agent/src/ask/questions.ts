/** What a question has to look like, for whoever asks without the command `routelet`. */
import * as z from 'zod';
import { AskError, type AskName, type Asks } from './model.ts';

const empty = z.strictObject({});

const questions: { readonly [K in AskName]: z.ZodType<Asks[K]['question']> } = {
  status: empty as z.ZodType<Asks['status']['question']>,
  peers: empty as z.ZodType<Asks['peers']['question']>,
  routes: empty as z.ZodType<Asks['routes']['question']>,
  neighbor: z.strictObject({ address: z.string(), limit: z.int().min(0).default(1000) }),
  plan: z.strictObject({
    manifests: z.array(z.strictObject({ file: z.string(), text: z.string() })).default([]),
    all: z.boolean().default(false),
    flags: z.array(z.string()).default([]),
  }),
  why: z.strictObject({ about: z.string() }),
  policy: z.strictObject({ pod: z.string() }),
  verdict: z.strictObject({
    ...{ from: z.string(), to: z.string() },
    protocol: z.enum(['TCP', 'UDP', 'SCTP']),
    port: z.int().min(1).max(65535),
  }),
};

export function isAskName(name: string | undefined): name is AskName {
  return name !== undefined && Object.hasOwn(questions, name);
}

/** Throws `AskError` with the first thing that is wrong. */
export function readQuestion<K extends AskName>(name: K, raw: unknown): Asks[K]['question'] {
  const result = questions[name].safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw new AskError('bad-question', `question ${name}${place}: ${issue?.message ?? 'not one'}`);
}
