/** The compiler says of 100,000 random connections what the API's documentation says, and each seeded mutant of it does not. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import { judge } from '../../../src/policy/compile/verdict.ts';
import { compare, type Subject } from './comparison.ts';
import { mutants } from './mutants.ts';

const SEED = 20261128;
const COMPILER = new URL('../../../src/policy/compile/', import.meta.url);

t.test('100,000 connections', (t) => {
  const { cases, allowed, difference } = compare({ PolicyCompiler, judge }, SEED, 100_000);
  t.equal(difference, undefined, JSON.stringify(difference));
  t.equal(cases, 100_000);
  t.comment(`| ${cases} connections, ${allowed} of them allowed, as the documentation says`);
  t.ok(allowed > cases / 5 && allowed < (cases * 4) / 5, `both verdicts are common: ${allowed} allowed`);
  t.end();
});

/** Modules of the compiler with `?mutant=N` are loaded with that mutation, and so are those that they import. */
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const mutant = /\?mutant=\d+$/.exec(context.parentURL ?? '')?.[0];
    const mutated = mutant !== undefined && resolved.url.startsWith(COMPILER.href) && !resolved.url.includes('?');
    return mutated ? { ...resolved, url: `${resolved.url}${mutant}` } : resolved;
  },
  load(url, context, next) {
    const number = /\?mutant=(\d+)$/.exec(url)?.[1];
    const mutant = number === undefined ? undefined : mutants[Number(number)];
    const file = url.replace(/\?.*$/, '');
    if (mutant === undefined || file !== new URL(mutant.file, COMPILER).href) return next(url, context);
    const source = readFileSync(fileURLToPath(file), 'utf8').replace(mutant.from, () => mutant.to);
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});

t.test('every mutant is found', async (t) => {
  t.ok(mutants.length >= 20, `${mutants.length} mutants`);
  for (const [number, { file, from, to }] of mutants.entries()) {
    const source = readFileSync(new URL(file, COMPILER), 'utf8');
    t.equal(source.split(from).length, 2, `${file} has once: ${from}`);
    const load = (name: string) => import(`${new URL(name, COMPILER).href}?mutant=${number}`);
    const subject: Subject = { ...(await load('compiler.ts')), ...(await load('verdict.ts')) };
    t.not(subject.PolicyCompiler, PolicyCompiler, 'another copy');
    const { difference } = compare(subject, SEED, 40_000);
    t.ok(difference, `${file}: ${from} → ${to}`);
  }
});
