import t from 'tap';
import type { Log } from '../../src/log.ts';
import type { Problem } from '../../src/problem.ts';
import { ProblemLog } from '../../src/problem-log.ts';

function record(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const level = (name: string) => (text: string) => void lines.push(`${name} ${text}`);
  const log: Log = {
    error: level('error'),
    warn: level('warn'),
    info: level('info'),
    debug: level('debug'),
    child: () => log,
  };
  return { log, lines };
}

const problem = (subject: string, text: string): Problem => ({ code: 'kernel', subject, text });

t.test('a problem is said once when it comes, when it changes, and when it goes', (t) => {
  const { log, lines } = record();
  const problems = new ProblemLog(log);
  problems.report('sets', [problem('a', 'a is bad'), problem('b', 'b is bad')]);
  problems.report('chains', [problem('a', 'chain a is bad')]);
  problems.report('sets', [problem('a', 'a is bad'), problem('b', 'b is worse')]);
  problems.report('sets', [problem('b', 'b is worse')]);
  problems.report('chains', [problem('a', 'chain a is bad')]);
  problems.report('sets', [problem('a', 'a is bad'), problem('b', 'b is worse')]);
  t.strictSame(lines, [
    'error a is bad',
    'error b is bad',
    'error chain a is bad',
    'error b is worse',
    'info no longer: a is bad',
    'error a is bad',
  ]);
  t.end();
});
