import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

t.test('help and version need no root', async (t) => {
  const [help, printed] = await Promise.all([run('--help'), run('-V')]);
  t.match(help, { code: 0, stderr: '', stdout: /^Usage: routelet-agent \[flags\]/ });
  t.match(printed, { code: 0, stderr: '', stdout: `routelet-agent ${version}, Node ${process.version}\n` });
});

t.test('a bad command line: one line a fault, exit code 2', async (t) => {
  const ended = await run('--run-rooter', '--cluster-asn=1', '--gobgp-admin-port=1', '--peer-router-passwords=plain!');
  t.equal(ended.code, 2);
  t.equal(ended.stdout, '');
  t.same(ended.stderr.split('\n'), [
    'routelet-agent: unknown flag: --run-rooter',
    'routelet-agent: --cluster-asn: bad value "1": expected an AS number in 64512-65535, 4200000000-4294967294',
    'routelet-agent: --gobgp-admin-port: GoBGP admin API is not built yet; only --gobgp-admin-port=0 is accepted',
    'routelet-agent: --peer-router-passwords: bad value "[secret]": expected base64 of 1 to 80 bytes in entry 1',
    'routelet-agent: --peer-router-passwords, --peer-router-ips: expected as many entries in both lists (one password an address), not 1 and 0',
    '',
  ]);
});
